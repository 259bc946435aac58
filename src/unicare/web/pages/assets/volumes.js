// Volumes from the site, and what is laid over an image: structures, or where truth and prediction agree.

// Okabe and Ito's colours, which people with any kind of colour vision tell apart; truth and prediction as in reports
export const TRUTH = "#56b4e9";
export const PREDICTION = "#e69f00";
const AGREE = "#009e73";
const OTHER = "#cc79a7";
const STRUCTURES = ["#009e73", "#f0e442", "#cc79a7", "#d55e00", "#0072b2", "#56b4e9", "#e69f00"];
const UNKNOWN = "#ffffff";

const [BOTH, ONLY_TRUTH, ONLY_PREDICTION, DIFFERENT] = [1, 2, 3, 4];

// the unpacked file; throws an Error with a sentence that says what is wrong
export async function fetchVolume(address, what) {
  const answer = await fetch(address).catch(() => {
    throw new Error(`The ${what} can’t be loaded: the connection is broken.`);
  });
  if (!answer.ok) {
    const told = await answer.json().catch(() => null);
    throw new Error(`The ${what} can’t be loaded: ${told?.detail ?? `the site answered ${answer.status}.`}`);
  }
  const broken = () => {
    throw new Error(`The ${what} can’t be loaded: its file is broken.`);
  };
  const file = await answer.arrayBuffer().catch(broken);
  const [first, second] = new Uint8Array(file, 0, Math.min(2, file.byteLength));
  if (first !== 0x1f || second !== 0x8b) return file;
  const stream = new Blob([file]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer().catch(broken);
}

// 0 for background, 1 for the first of `labels`, …; one more than there are for any other value
export function indexed(values, labels) {
  const places = new Map(labels.map(({ value }, place) => [value, place + 1]));
  const found = new Uint8Array(values.length);
  for (let at = 0; at < values.length; at += 1) {
    const value = values[at];
    if (value !== 0) found[at] = places.get(value) ?? places.get(Math.round(value)) ?? labels.length + 1;
  }
  return found;
}

// voxels by how truth and prediction agree there
function compared(truth, prediction) {
  const found = new Uint8Array(truth.length);
  for (let at = 0; at < truth.length; at += 1) {
    const [one, other] = [truth[at], prediction[at]];
    if (one === 0 && other === 0) continue;
    if (one === other) found[at] = BOTH;
    else if (one === 0) found[at] = ONLY_PREDICTION;
    else found[at] = other === 0 ? ONLY_TRUTH : DIFFERENT;
  }
  return found;
}

function structures(voxels, labels, alone) {
  const colours = labels.length === 1 ? [alone] : STRUCTURES;
  const legend = labels.map(({ name }, place) => ({ index: place + 1, name, colour: colours[place % colours.length] }));
  const unknown = labels.length + 1;
  if (voxels.includes(unknown)) legend.push({ index: unknown, name: "another label", colour: UNKNOWN });
  return { voxels, legend };
}

function agreement(truth, prediction, labels, withBoth) {
  const voxels = compared(truth, prediction);
  if (!withBoth) for (let at = 0; at < voxels.length; at += 1) if (voxels[at] === BOTH) voxels[at] = 0;
  const legend = [
    { index: BOTH, name: "both agree", colour: AGREE },
    { index: ONLY_TRUTH, name: "only truth", colour: TRUTH },
    { index: ONLY_PREDICTION, name: "only prediction", colour: PREDICTION },
    { index: DIFFERENT, name: "another structure", colour: OTHER },
  ];
  return { voxels, legend: legend.filter(({ index }) => (withBoth || index !== BOTH) && (labels.length > 1 || index !== DIFFERENT)) };
}

// what can be laid over: name to a function that makes {voxels, legend}
export function overlays(truth, prediction, labels) {
  const found = new Map([["image", () => ({ voxels: null, legend: [] })]]);
  if (truth) found.set("truth", () => structures(truth, labels, TRUTH));
  if (prediction) found.set("prediction", () => structures(prediction, labels, PREDICTION));
  if (truth && prediction) {
    found.set("both", () => agreement(truth, prediction, labels, true));
    found.set("difference", () => agreement(truth, prediction, labels, false));
  }
  return found;
}

// for each structure how many ml are in truth, prediction and both
export function amounts(truth, prediction, labels, voxelMl) {
  const rows = labels.map(({ name }) => ({ name, truth: 0, prediction: 0, both: 0 }));
  const size = (truth ?? prediction)?.length ?? 0;
  for (let at = 0; at < size; at += 1) {
    const [one, other] = [truth ? truth[at] : 0, prediction ? prediction[at] : 0];
    if (one && rows[one - 1]) rows[one - 1].truth += voxelMl;
    if (other && rows[other - 1]) rows[other - 1].prediction += voxelMl;
    if (one && one === other && rows[one - 1]) rows[one - 1].both += voxelMl;
  }
  return rows;
}

// index of the slice along `axis` that holds most, and the middle of what it holds; null where there is nothing
export function fullest(voxels, dims, axis) {
  const steps = [1, dims[0], dims[0] * dims[1]];
  const held = new Float64Array(dims[axis]);
  const each = (visit) => {
    for (let at = 0; at < voxels.length; at += 1) {
      if (voxels[at]) visit(steps.map((step, one) => Math.floor(at / step) % dims[one]));
    }
  };
  each((place) => (held[place[axis]] += 1));
  const most = held.indexOf(Math.max(...held));
  if (!held[most]) return null;
  const sum = [0, 0, 0];
  each((place) => place[axis] === most && place.forEach((value, one) => (sum[one] += value)));
  return sum.map((value) => Math.round(value / held[most]));
}
