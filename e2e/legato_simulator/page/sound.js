// A room's live sound in an <audio> element, with its level. It must be started by a click.

const LATE = 1.2;
const LOOK = 1000;

export class Sound extends EventTarget {
  #context = null;
  #analyser = null;
  #gain = null;
  #samples = null;
  #volume = 1;
  #open = true;

  constructor() {
    super();
    this.audio = new Audio();
    this.audio.id = "sound";
    this.guild = null;
    for (const kind of ["playing", "waiting", "error", "ended"]) {
      this.audio.addEventListener(kind, () => this.#tell());
    }
    this.audio.addEventListener("ended", () => this.#again());
    this.audio.addEventListener("error", () => this.#again());
    setInterval(() => this.#catchUp(), LOOK);
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
    this.audio.removeAttribute("src");
    this.audio.load();
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
    this.#context.createMediaElementSource(this.audio).connect(this.#analyser).connect(this.#gain).connect(this.#context.destination);
    this.#mix();
  }

  #mix() {
    if (this.#gain) this.#gain.gain.value = this.#open ? this.#volume * this.#volume : 0;
  }

  #load() {
    this.audio.src = `/sound/${this.guild}.webm?${Date.now()}`;
  }

  async #play() {
    try {
      await this.audio.play();
    } catch (error) {
      // A newer load ends an older play; that is no failure.
      if (error.name !== "AbortError") this.stop();
    }
  }

  #again() {
    if (!this.listening) return;
    setTimeout(() => {
      if (!this.listening || this.playing) return;
      this.#load();
      this.#play();
    }, 800);
  }

  // A live stream that fell behind would stay behind: what is late is played a little faster.
  #catchUp() {
    if (!this.playing || !this.audio.buffered.length) return;
    const behind = this.audio.buffered.end(this.audio.buffered.length - 1) - this.audio.currentTime;
    this.audio.playbackRate = behind > LATE ? 1.06 : 1;
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
