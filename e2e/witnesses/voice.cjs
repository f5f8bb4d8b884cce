// Plays an Ogg Opus file through @discordjs/voice, fed with what Discord's gateway would tell it.
// Orders come as one JSON line on standard input; every state change is a line on standard output.
const readline = require("node:readline");
const { createReadStream } = require("node:fs");

const LINGERS = 1000; // ms that it stays after its last packet, so that others end as well
const say = (event, fields = {}) => console.log(JSON.stringify({ event, ...fields }));

// The library loads its encryption in the background, and joins without it if asked too soon.
const encrypts = async (voice) => {
  while (voice.DAVESession) {
    try {
      return new voice.DAVESession(1, "1", "1", {});
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
};

const lines = readline.createInterface({ input: process.stdin });
lines.once("line", async (line) => {
  const orders = JSON.parse(line);
  const voice = require(orders.library);
  await encrypts(voice);
  const adapterCreator = (methods) => {
    setImmediate(() => {
      methods.onVoiceStateUpdate({
        guild_id: orders.guild_id,
        channel_id: orders.channel_id,
        user_id: orders.user_id,
        session_id: orders.session_id,
      });
      methods.onVoiceServerUpdate({
        guild_id: orders.guild_id,
        token: orders.token,
        endpoint: orders.endpoint,
      });
    });
    return { sendPayload: () => true, destroy: () => {} };
  };
  const connection = voice.joinVoiceChannel({
    guildId: orders.guild_id,
    channelId: orders.channel_id,
    adapterCreator,
    selfDeaf: false,
  });
  const player = voice.createAudioPlayer();
  connection.on("stateChange", (before, state) => {
    say("connection", { state: state.status });
    // Refused, it waits for other credentials.
    if (before.status === "connecting" && state.status === "signalling") process.exit(0);
  });
  connection.on("error", (error) => say("error", { text: String(error) }));
  player.on("error", (error) => say("error", { text: String(error) }));
  player.on("stateChange", (_, state) => {
    say("player", { state: state.status });
    if (state.status === voice.AudioPlayerStatus.Idle) {
      setTimeout(() => {
        say("privacy", { sealed: Boolean(connection.voicePrivacyCode), opened });
        connection.destroy();
        setTimeout(() => process.exit(0), 100);
      }, orders.listen_to ? LINGERS : 0);
    }
  });
  let opened = 0;
  connection.once(voice.VoiceConnectionStatus.Ready, async () => {
    connection.subscribe(player);
    if (orders.listen_to) {
      connection.receiver.subscribe(orders.listen_to).on("data", () => (opened += 1));
      say("listening");
      await new Promise((resolve) => lines.once("line", resolve));
    }
    player.play(
      voice.createAudioResource(createReadStream(orders.file), {
        inputType: voice.StreamType.OggOpus,
      }),
    );
  });
});
process.stdin.on("end", () => process.exit(3));
