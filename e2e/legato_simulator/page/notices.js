// Short notices: shown for a while, and read out.

import { byId, h } from "./dom.js";
import { icon } from "./icons.js";

const SHOWN = 7000;

export function warn(text) {
  const close = h(
    "button",
    { type: "button", class: "plain", "aria-label": "Close" },
    icon("cross"),
  );
  const toast = h("div", { class: "toast" }, h("p", {}, text), close);
  const gone = setTimeout(() => toast.remove(), SHOWN);
  close.addEventListener("click", () => {
    clearTimeout(gone);
    toast.remove();
  });
  byId("toasts").append(toast);
}

export function say(text) {
  byId("said").textContent = text;
}

// Runs what a person asked for; what the simulator refuses becomes a notice.
export async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    warn(error.message);
    return null;
  }
}
