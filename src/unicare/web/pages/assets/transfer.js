// One upload: announced, sent in pieces, gone on with where the site says that it stands, and ended.

const LONGEST_WAIT_S = 30;
const RATE_WINDOW_MS = 10_000;
const PASSING = new Set([408, 409, 423, 425, 429, 500, 502, 503, 504]); // 409: it stands at another place
const MOST_CONFLICTS = 8;
const GONE = new Set([404, 410]);

class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

// a trouble that may pass: the connection, a site that is busy or begins anew
class Passing extends Refused {
  constructor(status, detail, waitSeconds = 0) {
    super(status, detail);
    this.waitSeconds = waitSeconds;
  }
}

class Halted extends Error {}

// `site`: {api, csrf, chunkBytes}; `about`: what is announced beside the length; `memory`: keeps the id over a reload
export class Transfer {
  #running = null;
  #request = null;
  #halted = false;
  #hurried = false;
  #wake = () => {};
  #marks = [];

  constructor(site, about, blob, memory, listener) {
    Object.assign(this, { site, about, blob, memory, listener });
    this.id = null;
    this.sent = 0;
    this.state = "ready";
    this.detail = "";
    this.waitSeconds = 0;
  }

  get total() {
    return this.blob.size;
  }

  // bytes per second over the last few seconds; 0 where that isn't known yet
  get rate() {
    const [first, last] = [this.#marks[0], this.#marks.at(-1)];
    if (!first || last.at - first.at < 500) return 0;
    return ((last.sent - first.sent) / (last.at - first.at)) * 1000;
  }

  // what was paused and hasn't come to rest yet goes on itself: there is never a second one beside it
  run() {
    this.#halted = false;
    this.#tell("sending");
    this.#running ??= this.#run().finally(() => (this.#running = null));
    return this.#running;
  }

  async #run() {
    this.#marks = [];
    try {
      if (this.id === null) await this.#announce();
      await this.#sendAll();
      this.#tell("ending");
      await this.#end();
      this.memory.forget();
      this.#tell("done");
    } catch (error) {
      if (error instanceof Halted || this.state === "cancelled") return;
      if (GONE.has(error.status)) this.#forget();
      this.#tell("failed", error.message);
    }
  }

  pause() {
    this.#halt();
    this.#tell("paused");
  }

  async cancel() {
    this.#halt();
    this.memory.forget();
    this.#tell("cancelled");
    await this.#running; // an announcement that is under way: what it made would count
    if (this.id !== null) await this.#ask("DELETE", `submissions/${this.id}`).catch(() => {}); // forgotten there in time
  }

  // the browser says that it is connected again
  hurry() {
    this.#hurried = true;
    this.#wake();
  }

  #forget() {
    this.memory.forget();
    this.id = null;
  }

  #halt() {
    this.#halted = true;
    this.#request?.abort();
    this.#wake();
  }

  #check() {
    if (this.#halted) throw new Halted();
  }

  async #announce() {
    this.id = this.memory.id;
    if (this.id !== null) {
      try {
        return await this.#persist(() => this.#catchUp());
      } catch (error) {
        if (!GONE.has(error.status)) throw error;
        this.#forget();
      }
    }
    const asked = this.#ask("POST", "submissions", { ...this.about, total_bytes: this.total });
    this.#request = null; // not to be aborted: the site may have made the submission, and only the answer names it
    const answer = await asked;
    this.id = answer.id;
    if (this.state !== "cancelled") this.memory.keep(this.id);
    this.site.chunkBytes = Math.min(this.site.chunkBytes, answer.upload?.chunk_bytes ?? Infinity);
    this.#check();
    return this.#reached(answer.upload?.length ?? 0);
  }

  async #sendAll() {
    let sure = false; // of where the upload stands
    while (!sure || this.sent < this.total) {
      await this.#persist(async () => {
        if (!sure) await this.#catchUp();
        sure = false;
        if (this.sent < this.total) await this.#sendPiece();
        sure = true;
      });
    }
  }

  async #catchUp() {
    const answer = await this.#ask("GET", `submissions/${this.id}/upload`);
    this.#reached(answer.length);
  }

  async #sendPiece() {
    const start = this.sent;
    const piece = this.blob.slice(start, start + this.site.chunkBytes);
    try {
      const answer = await this.#ask("PATCH", `submissions/${this.id}/upload`, piece, { "Upload-Offset": String(start) });
      this.#reached(answer?.length ?? start + piece.size);
    } catch (error) {
      this.#reached(start);
      if (error instanceof Passing) await this.#checkReadable(start);
      throw error;
    }
  }

  // a file that was changed or moved meanwhile looks like a broken connection
  async #checkReadable(start) {
    try {
      await this.blob.slice(start, start + 1).arrayBuffer();
    } catch {
      throw new Refused(0, "The file has changed, or can’t be read any more. Choose it again.");
    }
  }

  async #end() {
    let asked = false;
    await this.#persist(async () => {
      try {
        await this.#ask("POST", `submissions/${this.id}/upload/end`, {});
      } catch (error) {
        if (error.status !== 409) throw error;
        if (!asked) throw new Refused(error.status, error.message);
        return; // an answer was lost, and it has ended already
      } finally {
        asked = true;
      }
    });
  }

  // does something until it works; what the site refuses for good goes through
  async #persist(step) {
    const state = this.state;
    for (let tries = 0, before = this.sent; ; tries += 1) {
      try {
        return await step();
      } catch (error) {
        if (!(error instanceof Passing)) throw error;
        if (this.sent > before) tries = 0;
        before = this.sent;
        if (error.status === 409 && tries === MOST_CONFLICTS) throw new Refused(error.status, error.message);
        await this.#wait(Math.max(Math.min(2 ** tries, LONGEST_WAIT_S), error.waitSeconds), error.message);
        this.#tell(state);
      }
    }
  }

  async #wait(seconds, why) {
    const until = Date.now() + seconds * 1000;
    this.#marks = [];
    this.#hurried = false;
    while (Date.now() < until && !this.#hurried) {
      this.#check();
      this.waitSeconds = Math.ceil((until - Date.now()) / 1000);
      this.#tell("waiting", why);
      await new Promise((resolve) => {
        this.#wake = resolve;
        setTimeout(resolve, Math.min(1000, until - Date.now()));
      });
    }
    this.#check();
  }

  #reached(length) {
    const now = performance.now();
    if (length < this.sent) this.#marks = [];
    this.sent = length;
    this.#marks.push({ at: now, sent: length });
    while (this.#marks.length > 2 && now - this.#marks[0].at > RATE_WINDOW_MS) this.#marks.shift();
    this.listener(this);
  }

  #tell(state, detail = "") {
    this.state = state;
    this.detail = detail;
    this.listener(this);
  }

  // XMLHttpRequest, as fetch says nothing of how far a piece has come
  #ask(method, path, body = null, headers = {}) {
    if (method !== "DELETE") this.#check();
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      this.#request = request;
      request.open(method, `${this.site.api}/${path}`);
      request.setRequestHeader("Accept", "application/json");
      if (method !== "GET") request.setRequestHeader("X-CSRF-Token", this.site.csrf);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      if (body instanceof Blob) {
        const start = this.sent;
        request.setRequestHeader("Content-Type", "application/octet-stream");
        request.upload.onprogress = (event) => this.#reached(start + Math.min(event.loaded, body.size));
      } else if (body !== null) {
        request.setRequestHeader("Content-Type", "application/json");
      }
      request.onload = () => settle(request, resolve, reject);
      request.onerror = () => reject(new Passing(0, "The connection is broken."));
      request.onabort = () => reject(new Halted());
      request.send(body === null || body instanceof Blob ? body : JSON.stringify(body));
    });
  }
}

function settle(request, resolve, reject) {
  let answer = null;
  try {
    answer = JSON.parse(request.responseText);
  } catch {
    // empty, or a proxy's page
  }
  const { status } = request;
  if (status >= 200 && status < 300) return resolve(answer);
  const detail = answer?.detail ?? `The site answered ${status}.`;
  if (!PASSING.has(status)) return reject(new Refused(status, detail));
  return reject(new Passing(status, detail, Number(request.getResponseHeader("Retry-After")) || 0));
}
