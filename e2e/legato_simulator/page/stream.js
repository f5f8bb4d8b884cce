// Feeds a live WebM stream into an <audio> element, and keeps it near what is happening now.
// Media Source hands every packet on at once; where it is missing, the element loads the address.

const TYPE = 'audio/webm; codecs="opus"';
// Seconds between what is heard and the newest packet: wanted, too few, too many, hopeless.
const WANTED = 0.35;
const SHORT = 0.1;
const LATE = 0.9;
const LOST = 3;
const KEPT = 20;

export class Stream {
  #waiting = [];
  #stop = new AbortController();
  #filled = () => {};

  // `broken` is called once, when the stream has ended without having been closed.
  constructor(audio, address, broken) {
    Object.assign(this, { audio, address, broken });
    if (window.MediaSource?.isTypeSupported(TYPE)) {
      this.ready = new Promise((resolve) => (this.#filled = resolve));
      this.#feed();
    } else {
      this.ready = Promise.resolve();
      audio.src = address;
    }
  }

  #feed() {
    const source = new MediaSource();
    const url = URL.createObjectURL(source);
    source.addEventListener("sourceopen", () => {
      URL.revokeObjectURL(url);
      this.buffer = source.addSourceBuffer(TYPE);
      this.buffer.addEventListener("updateend", () => this.#next());
      this.#read()
        .catch(() => {})
        .finally(() => this.#stop.signal.aborted || this.broken());
    });
    this.audio.src = url;
  }

  async #read() {
    const response = await fetch(this.address, { signal: this.#stop.signal });
    if (!response.ok) return;
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      this.#waiting.push(value);
      this.#next();
    }
  }

  #next() {
    if (this.#stop.signal.aborted || this.buffer.updating) return;
    const { audio, buffer } = this;
    const start = buffer.buffered.length ? buffer.buffered.start(0) : 0;
    if (audio.currentTime - start > KEPT * 2) buffer.remove(0, audio.currentTime - KEPT);
    else if (this.#waiting.length) buffer.appendBuffer(this.#joined());
    this.#keepUp();
  }

  #joined() {
    const parts = this.#waiting.splice(0);
    const whole = new Uint8Array(parts.reduce((sum, each) => sum + each.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  // What is a little late plays a little faster until it is not, what is very late is skipped.
  #keepUp() {
    const { audio, buffer } = this;
    if (!buffer.buffered.length) return;
    const ahead = buffer.buffered.end(buffer.buffered.length - 1) - audio.currentTime;
    if (ahead >= WANTED) this.#filled();
    if (audio.paused) return;
    if (ahead > LOST) audio.currentTime += ahead - WANTED;
    else if (ahead > LATE) audio.playbackRate = 1.04;
    else if (ahead < SHORT) audio.playbackRate = 0.96;
    else if (Math.abs(ahead - WANTED) < 0.1) audio.playbackRate = 1;
  }

  close() {
    this.#stop.abort();
    this.audio.removeAttribute("src");
    this.audio.load();
  }
}
