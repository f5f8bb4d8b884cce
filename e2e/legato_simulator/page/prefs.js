// What this browser remembers. A tab remembers its own person, so that two tabs can be two people.

const PREFIX = "simulator.";

function attempt(action) {
  try {
    return action();
  } catch {
    return null; // Storage is forbidden or full: nothing is remembered.
  }
}

export function recall(key) {
  return attempt(
    () => sessionStorage.getItem(PREFIX + key) ?? localStorage.getItem(PREFIX + key),
  );
}

export function remember(key, value) {
  attempt(() => sessionStorage.setItem(PREFIX + key, value));
  attempt(() => localStorage.setItem(PREFIX + key, value));
}

export function setTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  attempt(() =>
    theme === "system"
      ? localStorage.removeItem(PREFIX + "theme")
      : localStorage.setItem(PREFIX + "theme", theme),
  );
}

export function theme() {
  return document.documentElement.dataset.theme ?? "system";
}
