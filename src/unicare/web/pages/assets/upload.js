// Forms of class "upload": something is chosen or dropped, sent in pieces, and gone on with after a break.

import { Transfer } from "./transfer.js";
import { storedZip } from "./zip.js";

const MEMORY = "unicare-upload";
const KINDS = {
  predictions: { whole: /\.zip$/i, parts: /\.nii(\.gz)?$/i, asked: "one zip archive, a folder, or .nii.gz files" },
  container: { whole: /\.(tar|tar\.gz|tgz)$/i, parts: null, asked: "one image archive, .tar or .tar.gz" },
};
const LITTER = /(^|\/)(\.|__MACOSX(\/|$)|Thumbs\.db$|desktop\.ini$)/i;

const size = (bytes) => {
  const [unit, name] = [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]].find(([least]) => bytes >= least) ?? [1, "bytes"];
  const number = bytes / unit;
  return `${number >= 100 || unit === 1 ? Math.round(number) : number.toFixed(1)} ${name}`;
};

const duration = (seconds) => {
  if (seconds < 5) return "a few seconds";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
};

const count = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;

// what was dropped, folders opened: [{name, file}]
async function dropped({ items, files }) {
  const found = [];
  const walk = async (entry) => {
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      found.push({ name: entry.fullPath.replace(/^\//, ""), file });
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) return;
      for (const one of some) await walk(one);
    }
  };
  const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...files].map((file) => ({ name: file.name, file }));
  for (const entry of entries) await walk(entry);
  return found;
}

// what is to be sent: {name, files, packed, words}; throws an Error that says what was expected
function chosenOf(found, kind) {
  const rule = KINDS[kind];
  const files = found.filter(({ name }) => !LITTER.test(name));
  if (files.length === 1 && rule.whole.test(files[0].name)) {
    const [{ file }] = files;
    return { name: file.name, files, packed: false, words: `${file.name}, ${size(file.size)}` };
  }
  const parts = rule.parts ? files.filter(({ name }) => rule.parts.test(name)) : [];
  if (!parts.length || files.some(({ name }) => rule.whole.test(name))) {
    const what = files.length === 1 ? files[0].name : files.length ? count(files.length, "file") : "nothing";
    throw new Error(`Found ${what}; choose ${rule.asked}.`);
  }
  parts.sort((one, other) => (one.name < other.name ? -1 : 1));
  const folder = parts[0].name.includes("/") ? parts[0].name.split("/")[0] : "";
  const bytes = parts.reduce((sum, { file }) => sum + file.size, 0);
  const rest = files.length - parts.length;
  const words = [`${count(parts.length, "file")}${folder ? ` of ${folder}` : ""}, ${size(bytes)}, sent as one zip.`];
  if (rest) words.push(`${count(rest, "other file")} left out (not .nii or .nii.gz).`);
  return { name: `${folder || "predictions"}.zip`, files: parts, packed: true, words: words.join(" ") };
}

// what this browser knows of uploads that were begun here and not ended
class Memory {
  constructor(task, phase, chosen) {
    const bytes = chosen.files.reduce((sum, { file }) => sum + file.size, 0);
    const modified = Math.max(...chosen.files.map(({ file }) => file.lastModified));
    this.key = JSON.stringify([MEMORY, task, phase, chosen.name, chosen.files.length, bytes, modified]);
    this.name = chosen.name;
  }

  static unfinished() {
    const keys = quietly(() => Object.keys(localStorage)) ?? [];
    return keys.flatMap((key) => {
      const parts = quietly(() => JSON.parse(key));
      if (!Array.isArray(parts) || parts[0] !== MEMORY) return [];
      return [{ key, task: parts[1], phase: parts[2], name: parts[3], id: quietly(() => JSON.parse(localStorage[key]).id) }];
    });
  }

  get id() {
    return quietly(() => JSON.parse(localStorage[this.key]).id) ?? null;
  }

  keep(id) {
    quietly(() => localStorage.setItem(this.key, JSON.stringify({ id })));
  }

  forget() {
    quietly(() => localStorage.removeItem(this.key));
  }
}

// some browsers keep nothing; then uploads can't be gone on with after a reload
function quietly(what) {
  try {
    return what();
  } catch {
    return null;
  }
}

class UploadForm {
  constructor(form) {
    this.form = form;
    this.set = form.dataset;
    this.parts = Object.fromEntries([...form.querySelectorAll("[data-part]")].map((one) => [one.dataset.part, one]));
    this.acts = Object.fromEntries([...form.querySelectorAll("[data-act]")].map((one) => [one.dataset.act, one]));
    this.chosen = null;
    this.transfer = null;
    this.quarter = 0;
    this.#listen();
    this.parts.whole.hidden = false;
    this.#tellLeftOver();
    form.addEventListener("change", (event) => event.target.matches("select, [type=radio]") && this.#tellLeftOver());
  }

  get task() {
    return this.form.elements.task?.value ?? this.set.task;
  }

  get phase() {
    return this.form.elements.phase?.value ?? this.set.phase;
  }

  #listen() {
    const { form, parts, acts } = this;
    for (const input of form.querySelectorAll("input[type=file]")) {
      input.addEventListener("change", () => {
        const files = [...input.files].map((file) => ({ name: file.webkitRelativePath || file.name, file }));
        if (files.length) this.#choose(files);
        input.value = ""; // so that the same file can be chosen again
      });
    }
    const over = (event) => {
      event.preventDefault();
      parts.drop.classList.toggle("over", event.type === "dragover");
    };
    for (const type of ["dragover", "dragleave", "drop"]) parts.drop.addEventListener(type, over);
    parts.drop.addEventListener("drop", async (event) => this.#choose(await dropped(event.dataTransfer)));
    form.addEventListener("submit", (event) => (event.preventDefault(), this.#start()));
    acts.pause.addEventListener("click", () => (this.transfer.state === "paused" ? this.transfer.run() : this.transfer.pause()));
    acts.again.addEventListener("click", () => this.#again());
    acts.cancel.addEventListener("click", () => this.#cancel());
    acts.forget?.addEventListener("click", () => this.#giveUp());
    window.addEventListener("online", () => this.transfer?.hurry());
    window.addEventListener("beforeunload", (event) => this.#busy && event.preventDefault());
  }

  get #busy() {
    return this.preparing !== undefined || ["sending", "waiting", "ending"].includes(this.transfer?.state);
  }

  #choose(found) {
    if (this.#busy) return;
    this.#trouble("");
    this.chosen = null;
    try {
      const chosen = chosenOf(found, this.set.kind);
      const bytes = chosen.files.reduce((sum, { file }) => sum + file.size, 0);
      const most = Number(this.set.mostBytes);
      if (!bytes) throw new Error(`${chosen.name} is empty.`);
      if (most && bytes > most) throw new Error(`That is ${size(bytes)}; at most ${size(most)} are taken.`);
      this.chosen = chosen;
    } catch (error) {
      this.#trouble(error.message);
    }
    const begun = this.chosen !== null && new Memory(this.task, this.phase, this.chosen).id !== null;
    this.parts.chosen.textContent = this.chosen ? this.chosen.words : "";
    this.acts.send.textContent = begun ? "Go on with the upload" : "Upload";
    this.acts.send.disabled = this.chosen === null;
  }

  async #start() {
    if (this.chosen === null || this.#busy) return;
    if (!this.form.reportValidity()) return;
    this.#trouble("");
    this.#show(true);
    const { chosen } = this;
    const blob = chosen.packed ? await this.#pack(chosen) : chosen.files[0].file;
    if (blob === null) return;
    const note = this.form.elements.note?.value.trim() ?? "";
    const about = { task: this.task, phase: this.phase, name: chosen.name, note };
    const site = { api: this.set.api, csrf: this.set.csrf, chunkBytes: Number(this.set.chunkBytes) };
    const memory = new Memory(this.task, this.phase, chosen);
    this.transfer = new Transfer(site, about, blob, memory, (transfer) => this.#tell(transfer));
    await this.transfer.run();
  }

  async #pack(chosen) {
    this.preparing = new AbortController();
    this.#say(`Preparing ${chosen.name}.`);
    const told = (read, total) => this.#figures(read / total, `Preparing: ${size(read)} of ${size(total)} read`);
    try {
      return await storedZip(chosen.files, { told, signal: this.preparing.signal });
    } catch (error) {
      const gone = "A file has changed, or can’t be read any more. Choose them again.";
      this.#trouble(this.preparing.signal.aborted ? "" : error instanceof RangeError ? `${error.message}.` : gone);
      this.#show(false);
      return null;
    } finally {
      this.preparing = undefined;
    }
  }

  #again() {
    this.#trouble("");
    if (this.transfer !== null) this.transfer.run();
  }

  #cancel() {
    if (this.preparing) this.preparing.abort();
    else this.transfer?.cancel();
  }

  #tell(transfer) {
    const { state, sent, total, rate } = transfer;
    const done = [`${size(sent)} of ${size(total)}`];
    if (state === "waiting") done.push(`${transfer.detail} Trying again in ${transfer.waitSeconds} s.`);
    if (state === "paused") done.push("paused");
    if (state === "ending") done.push("all sent; being handed in");
    if (state === "sending" && rate > 0) done.push(`${size(rate)}/s`, `${duration((total - sent) / rate)} left`);
    this.#figures(sent / total, done.join(" · "));
    this.acts.pause.hidden = !["sending", "waiting", "paused"].includes(state);
    this.acts.pause.textContent = state === "paused" ? "Go on" : "Pause";
    this.acts.again.hidden = state !== "failed";
    this.parts.progress.classList.toggle("waiting", state === "waiting");
    this.#announce(transfer);
    if (state === "failed") this.#trouble(transfer.detail);
    if (state === "cancelled") this.#show(false);
    if (state === "done") window.location.assign(`${this.set.next}${transfer.id}`);
  }

  // for those who listen: each change, and each quarter, but not each piece
  #announce({ state, sent, total, detail }) {
    const quarter = Math.floor((4 * sent) / total);
    if (state === this.state && (state !== "sending" || quarter <= this.quarter)) return;
    const begun = this.state !== "sending" || state !== "sending";
    this.state = state;
    this.quarter = quarter;
    const words = { sending: begun ? "Uploading." : `${quarter * 25} per cent uploaded.`, waiting: detail, paused: "Paused." };
    const rest = { ending: "All sent.", done: "Handed in.", cancelled: "Cancelled.", failed: "" };
    this.#say({ ...words, ...rest }[state] ?? "");
  }

  #figures(share, words) {
    this.parts.bar.value = share;
    this.parts.share.textContent = `${Math.floor(share * 100)} %`;
    this.parts.figures.textContent = words;
  }

  #show(busy) {
    this.parts.choose.hidden = busy;
    this.parts.progress.hidden = !busy;
    this.parts.name.textContent = busy ? this.chosen.name : "";
    this.acts.pause.hidden = true;
    this.acts.again.hidden = true;
    this.parts.leftOver.hidden = true;
    if (!busy) {
      this.transfer = null;
      this.chosen = null;
      this.parts.chosen.textContent = "";
      this.acts.send.disabled = true;
      this.acts.send.textContent = "Upload";
    }
  }

  #trouble(words) {
    this.parts.trouble.textContent = words;
    this.parts.trouble.hidden = words === "";
  }

  #say(words) {
    this.parts.said.textContent = words;
  }

  async #tellLeftOver() {
    this.parts.leftOver.hidden = true;
    const fitting = Memory.unfinished().filter((one) => one.task === this.task && one.phase === this.phase);
    for (const one of fitting) {
      const answer = await fetch(`${this.set.api}/submissions/${one.id}/upload`).catch(() => null);
      if (answer === null) return;
      if (!answer.ok) {
        if (answer.status !== 401 && answer.status < 500) quietly(() => localStorage.removeItem(one.key));
        continue;
      }
      const { length } = await answer.json();
      this.leftOver = one;
      this.parts.leftOverWords.textContent = `The upload of ${one.name} was broken off after ${size(length)}. Choose the same again to go on from there.`;
      this.parts.leftOver.hidden = this.transfer !== null;
      return;
    }
  }

  async #giveUp() {
    const { key, id } = this.leftOver;
    quietly(() => localStorage.removeItem(key));
    this.parts.leftOver.hidden = true;
    const headers = { "X-CSRF-Token": this.set.csrf };
    await fetch(`${this.set.api}/submissions/${id}`, { method: "DELETE", headers }).catch(() => null);
    this.#say("Given up.");
    this.#tellLeftOver();
  }
}

for (const form of document.querySelectorAll("form.upload")) new UploadForm(form);
