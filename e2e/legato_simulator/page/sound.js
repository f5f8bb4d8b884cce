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

  constructor() {
    super();
    this.audio = new Audio();
    this.audio.id = "sound";
    this.guild = null;
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
    this.guild = guild;
    this.#load();
    this.#tell();
    await Promise.all([this.#context.resume(), this.#play()]);
  }

  stop() {
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
    try {
      const stream = this.#stream;
      await stream.ready;
      if (stream === this.#stream) await this.audio.play();
    } catch (error) {
      // A newer load ends an older play; that is no failure.
      if (error.name !== "AbortError") this.stop();
    }
  }

  #again() {
    if (!this.listening) return;
    const { guild } = this;
    setTimeout(() => {
      if (this.guild !== guild) return;
      this.#load();
      this.#play();
    }, AGAIN);
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
