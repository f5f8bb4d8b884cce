// A room's live sound in an <audio> element, with its level. It must be started by a click.

import { Stream } from "./stream.js";

const AGAIN = 800;

export class Sound extends EventTarget {
  #context = null;
  #analyser = null;
  #gain = null;
  #samples = null;
  #volume = 1;
  #open = true;
  #stream = null;
  #retry = null;

  constructor() {
    super();
    this.audio = new Audio();
    this.audio.id = "sound";
    this.guild = null;
    // Whether the stream broke and has not sounded since.
    this.lost = false;
    this.audio.addEventListener("playing", () => (this.lost = false));
    for (const kind of ["playing", "waiting", "error", "ended"]) {
      this.audio.addEventListener(kind, () => this.#tell());
    }
    for (const kind of ["error", "ended"]) {
      this.audio.addEventListener(kind, () => this.#again());
    }
  }

  get listening() {
    return this.guild !== null;
  }

  get playing() {
    return this.listening && !this.audio.paused && this.audio.readyState > 2;
  }

  async start(guild) {
    this.#wire();
    this.#calm();
    this.guild = guild;
    this.#load();
    this.#tell();
    await Promise.all([this.#context.resume(), this.#play()]);
  }

  stop() {
    this.#calm();
    this.guild = null;
    this.#stream?.close();
    this.#stream = null;
    this.#tell();
  }

  setVolume(volume) {
    this.#volume = volume;
    this.#mix();
  }

  // Closed while nothing is in the same channel that could be heard.
  setOpen(open) {
    this.#open = open;
    this.#mix();
  }

  // From 0 to 1, as the ear has it: -60 dB is nothing.
  level() {
    if (!this.playing || !this.#open) return 0;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    const decibels = 10 * Math.log10(sum / this.#samples.length + 1e-12);
    return Math.min(1, Math.max(0, 1 + decibels / 60));
  }

  #wire() {
    if (this.#context) return;
    this.#context = new AudioContext();
    this.#analyser = this.#context.createAnalyser();
    this.#analyser.fftSize = 1024;
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#gain = this.#context.createGain();
    this.#context
      .createMediaElementSource(this.audio)
      .connect(this.#analyser)
      .connect(this.#gain)
      .connect(this.#context.destination);
    this.#mix();
  }

  #mix() {
    if (this.#gain) this.#gain.gain.value = this.#open ? this.#volume * this.#volume : 0;
  }

  #load() {
    this.#stream?.close();
    this.#stream = new Stream(this.audio, `/sound/${this.guild}.webm`, () => this.#again());
  }

  async #play() {
    const stream = this.#stream;
    try {
      await stream.ready;
      if (stream === this.#stream) await this.audio.play();
    } catch (error) {
      // A newer load ends an older play; only a page that may make no sound has to be clicked.
      if (stream !== this.#stream || error.name === "AbortError") return;
      if (error.name === "NotAllowedError") this.stop();
      else this.#again();
    }
  }

  // Loads anew after a while; what breaks may say so more than once.
  #again() {
    if (!this.listening || this.#retry !== null) return;
    this.lost = true;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#load();
      this.#play();
    }, AGAIN);
    this.#tell();
  }

  #calm() {
    clearTimeout(this.#retry);
    this.#retry = null;
    this.lost = false;
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
