// Plays an Ogg Opus file through @discordjs/voice, fed with what Discord's gateway would tell it.
// Orders come as one JSON line on standard input; every state change is a line on standard output.
const readline = require("node:readline");
const { createReadStream } = require("node:fs");

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

readline.createInterface({ input: process.stdin }).once("line", async (line) => {
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
      say("privacy", { sealed: Boolean(connection.voicePrivacyCode) });
      connection.destroy();
      setTimeout(() => process.exit(0), 100);
    }
  });
  connection.once(voice.VoiceConnectionStatus.Ready, () => {
    connection.subscribe(player);
    player.play(
      voice.createAudioResource(createReadStream(orders.file), {
        inputType: voice.StreamType.OggOpus,
      }),
    );
  });
});
process.stdin.on("end", () => process.exit(3));
