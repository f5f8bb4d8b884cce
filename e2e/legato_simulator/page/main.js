// Puts the page together.

import { Composer } from "./composer.js";
import { byId, fill } from "./dom.js";
import { icon } from "./icons.js";
import { follow } from "./live.js";
import { keepMomentsCurrent } from "./markdown.js";
import { Me } from "./me.js";
import { Members } from "./members.js";
import { MessageList } from "./message_list.js";
import { openModal } from "./modal.js";
import { ICONS, Servers } from "./servers.js";
import { Sound } from "./sound.js";
import { Store } from "./state.js";
import { Voice } from "./voice.js";
import { Welcome } from "./welcome.js";

const store = new Store();
const sound = new Sound();
const voice = new Voice(store, sound);
const join = (channel) => voice.join(channel);
const app = byId("app");
document.body.append(sound.audio);

new Servers(store, { join, went: () => setDrawer(false) });
new Members(store);
new Me(store);
new MessageList(store);
const composer = new Composer(store);
new Welcome(store, { join, begin: (text) => composer.begin(text) });
store.on("modal", ({ detail }) => openModal(store, detail.opener, detail.body));

// The line at the top.

fill(byId("open-drawer"), icon("menu"));
fill(byId("open-members"), icon("people"));
store.on("view channel", () => {
  const channel = store.channel;
  fill(byId("top-icon"), channel && icon(ICONS[channel.kind] ?? "hash"));
  fill(byId("channel-name"), channel?.name ?? "No channel");
  fill(byId("topic"), channel?.topic ?? "");
  document.title = channel ? `#${channel.name} · ${store.guild.name}` : "Discord simulator";
  app.setAttribute("aria-busy", "false");
});

store.on("typing", () => {
  const names = [...store.typing.keys()].map((id) => store.nameOf(id));
  fill(
    byId("typing"),
    names.length ? `${names.join(", ")} ${names.length > 1 ? "are" : "is"} typing…` : "",
  );
});

store.on("connection", () => {
  const line = byId("connection");
  const lost = store.connected === false;
  line.hidden = !lost;
  fill(line, lost && "The connection to the simulator is lost. Trying again…");
  app.classList.toggle("lost", lost);
});

// What slides over the messages where the window is narrow.

const NARROW = matchMedia("(max-width: 760px)");

function setDrawer(open) {
  app.classList.toggle("drawer-open", open);
  byId("open-drawer").setAttribute("aria-expanded", String(open));
  byId("drawer").inert = NARROW.matches && !open;
  if (open) byId("drawer").querySelector("[aria-current=page]")?.focus();
}

function setMembers(open) {
  app.classList.toggle("members-open", open);
  byId("open-members").setAttribute("aria-expanded", String(open));
  byId("members").inert = !open;
}

byId("open-drawer").addEventListener("click", () =>
  setDrawer(!app.classList.contains("drawer-open")),
);
byId("open-members").addEventListener("click", () =>
  setMembers(!app.classList.contains("members-open")),
);
byId("scrim").addEventListener("click", closeAll);
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && NARROW.matches) closeAll();
  if (
    event.key === "/" &&
    !typing(event.target) &&
    !event.ctrlKey &&
    !event.metaKey &&
    !event.altKey
  ) {
    event.preventDefault();
    composer.begin("/");
  }
});
NARROW.addEventListener("change", arrange);

function closeAll() {
  setDrawer(false);
  if (NARROW.matches) setMembers(false);
}

// The voice panel stands with the channels, and above the messages where those are hidden.
function arrange() {
  byId(NARROW.matches ? "scroll" : "me").before(byId("voice"));
  setDrawer(false);
  setMembers(innerWidth > 1080);
}

function typing(target) {
  return target.closest("input, textarea, select, dialog, [contenteditable]") !== null;
}

arrange();
keepMomentsCurrent();
follow({
  load: () => store.load(),
  happened: (kind, data) => store.happened(kind, data),
  connected: (connected) => {
    store.connected = connected;
    store.tell("connection");
  },
});
