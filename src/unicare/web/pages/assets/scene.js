// The picture: an image with one label map over it, drawn by NiiVue, told to ask for nothing but what the site serves.

const CT_WINDOW_HU = [-160, 300]; // this and the percentiles as in reports
const WINDOW_PERCENT = [1, 99.5];
const SAMPLES = 200_000;
const AIR_BELOW_HU = -600;
const LEAST_AIR = 0.02;
const CROSSHAIR_PERCENT = 0.2;

export function canDraw() {
  return document.createElement("canvas").getContext("webgl2") !== null;
}

// `addresses`: {niivue, font}
export async function openScene(canvas, addresses, file) {
  await import(addresses.niivue); // a script of the old kind, which leaves its parts in a global
  const { Niivue, NVImage } = globalThis.niivue;

  class Picture extends Niivue {
    // by themselves these are pictures in data: addresses, which the site's policy doesn't allow
    async loadDefaultFont() {
      await this.loadFontTexture(addresses.font);
      this.fontMetrics = this.DEFAULT_FONT_METRICS;
      this.initFontMets();
    }

    async loadDefaultMatCap() {
      return null; // for shining surfaces
    }

    // keys are the viewer's; the wheel turns slices once somebody has clicked the picture, and else scrolls the page
    keyDownListener() {}

    keyUpListener() {}

    wheelListener(event) {
      if (document.activeElement === this.canvas) super.wheelListener(event);
    }
  }

  const picture = new Picture({
    logLevel: "silent",
    loadingText: "",
    dragAndDropEnabled: false,
    isRadiologicalConvention: true,
    sagittalNoseLeft: true,
    isColorbar: false,
    showLegend: false,
    crosshairColor: [1, 1, 1, 0.45],
    crosshairWidthUnit: "percent",
    fontColor: [0.85, 0.85, 0.85, 1],
    backColor: [0.04, 0.05, 0.06, 1],
    multiplanarPadPixels: 4,
    multiplanarShowRender: 0,
  });
  await picture.attachToCanvas(canvas);
  const image = await readImage(NVImage, file, "image.nii");
  setWindow(image);
  picture.addVolume(image);
  return new Scene(picture, image, (more, name) => readImage(NVImage, more, name));
}

async function readImage(NVImage, file, name) {
  return NVImage.loadFromUrl({ url: file, name });
}

// soft tissue for CT, which is known by its air; else what lies between percentiles
function setWindow(image) {
  const { scl_slope: slope, scl_inter: inter } = image.hdr;
  const step = Math.max(1, Math.floor(image.img.length / SAMPLES));
  const some = Float32Array.from({ length: Math.ceil(image.img.length / step) }, (_, at) => image.img[at * step] * slope + inter);
  const sorted = some.filter(Number.isFinite).sort();
  const percentile = (percent) => sorted[Math.round((percent / 100) * (sorted.length - 1))];
  const air = sorted.findIndex((value) => value >= AIR_BELOW_HU);
  const window = air > LEAST_AIR * sorted.length ? CT_WINDOW_HU : WINDOW_PERCENT.map(percentile);
  if (window[0] < window[1]) [image.cal_min, image.cal_max] = window;
}

// the site has checked this to the last digit; here it is for files that belong to something else
function sameGrid(one, other) {
  const axes = [0, 1, 2];
  const alike = (row, column) => Math.abs(one.affine[row][column] - other.affine[row][column]) < (column < 3 ? 0.01 : 0.5);
  return axes.every((axis) => one.dims[axis + 1] === other.dims[axis + 1] && [0, 1, 2, 3].every((column) => alike(axis, column)));
}

class Scene {
  #overlay = null;

  constructor(picture, image, read) {
    Object.assign(this, { picture, image, read });
    this.opacity = 0.5;
    const spacing = image.pixDimsRAS.slice(1, 4);
    const widest = Math.max(...spacing);
    // slices are counted along the axis that they lie farthest apart on; 2 (foot to head) where all are alike
    this.axis = [2, 1, 0].find((axis) => spacing[axis] >= widest * 0.99);
    this.planes = 1;
  }

  get slices() {
    return this.image.dimsRAS[this.axis + 1];
  }

  get slice() {
    return Math.round(this.picture.frac2vox(this.picture.scene.crosshairPos)[this.axis]);
  }

  set slice(index) {
    const place = [...this.picture.frac2vox(this.picture.scene.crosshairPos)];
    place[this.axis] = Math.min(Math.max(index, 0), this.slices - 1);
    this.#goTo(place);
  }

  // voxels of another file on the image's grid, as it lies in the file; null where it has another grid
  async voxels(file) {
    const read = await this.read(file, "labels.nii");
    return sameGrid(this.image.hdr, read.hdr) ? read.img : null;
  }

  get dims() {
    return [...this.image.hdr.dims.slice(1, 4)];
  }

  get voxelMl() {
    return this.image.hdr.pixDims.slice(1, 4).reduce((product, side) => product * Math.abs(side), 1) / 1000;
  }

  // the axis of the file that slices are counted along
  get fileAxis() {
    return Math.abs(this.image.permRAS[this.axis]) - 1;
  }

  // a voxel of the file
  show(place) {
    const ras = this.image.permRAS.map((from, axis) => {
      const value = place[Math.abs(from) - 1];
      return from < 0 ? this.image.dimsRAS[axis + 1] - 1 - value : value;
    });
    this.#goTo(ras);
  }

  #goTo(place) {
    const { picture } = this;
    picture.scene.crosshairPos = picture.vox2frac(place);
    picture.createOnLocationChange();
    picture.drawScene();
  }

  setPlanes(planes) {
    this.planes = planes;
    this.picture.setCrosshairWidth(planes === 1 ? 0 : CROSSHAIR_PERCENT);
    this.picture.setSliceType(planes === 1 ? 2 - this.axis : 3); // NiiVue's axial, coronal, sagittal; all three
  }

  setOpacity(opacity) {
    this.opacity = opacity;
    if (this.#overlay) this.picture.setOpacity(1, opacity);
  }

  // voxels as they lie in the file, or null; legend: [{index, colour}]
  lay(voxels, legend) {
    if (this.#overlay) this.picture.removeVolume(this.#overlay);
    this.#overlay = null;
    if (voxels === null) return;
    const overlay = this.image.clone();
    Object.assign(overlay.hdr, { datatypeCode: 2, numBitsPerVoxel: 8, scl_slope: 1, scl_inter: 0, cal_min: 0, cal_max: 0 });
    overlay.img = voxels;
    overlay.calMinMax();
    const most = Math.max(1, ...legend.map(({ index }) => index));
    const table = { R: [], G: [], B: [], A: [], I: [] };
    for (let index = 0; index <= most; index += 1) {
      const colour = legend.find((one) => one.index === index)?.colour ?? "#000000";
      const known = legend.some((one) => one.index === index);
      [1, 3, 5].forEach((at, place) => table["RGB"[place]].push(Number.parseInt(colour.slice(at, at + 2), 16)));
      table.A.push(known ? 255 : 0);
      table.I.push(index);
    }
    overlay.setColormapLabel(table);
    overlay.opacity = this.opacity;
    this.picture.addVolume(overlay);
    this.#overlay = overlay;
  }
}
