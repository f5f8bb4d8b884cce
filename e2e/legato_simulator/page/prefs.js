// What this browser remembers. A tab remembers its own person, so that two tabs can be two people.

const PREFIX = "simulator.";

function attempt(action) {
  try {
    return action();
  } catch {
    return null; // Storage is forbidden or full: nothing is remembered.
  }
}

// The address comes first, so that a link can name a person and a place: /?person=…&guild=…
export function recall(key) {
  const named = new URLSearchParams(location.search).get(key);
  return (
    named ??
    attempt(() => sessionStorage.getItem(PREFIX + key) ?? localStorage.getItem(PREFIX + key))
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
