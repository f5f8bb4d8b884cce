// Makes elements. Text only ever becomes text nodes; nothing here parses HTML.

export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) set(element, name, value);
  element.append(...present(children));
  return element;
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (typeof value === "function") element.addEventListener(name, value);
  else if (name === "dataset") Object.assign(element.dataset, value);
  else if (name === "value") element.value = value;
  else element.setAttribute(name, value === true ? "" : String(value));
}

function present(children) {
  return children
    .flat(Infinity)
    .filter((each) => each !== null && each !== undefined && each !== false);
}

export function fill(element, ...children) {
  element.replaceChildren(...present(children));
  return element;
}

const drawn = new WeakMap();

// Replaces an element's children only when what they show has changed, and keeps the focus.
export function fillWhenNew(element, shown, make) {
  const key = JSON.stringify(shown);
  if (drawn.get(element) === key) return false;
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  const mark = focused?.dataset.key;
  drawn.set(element, key);
  fill(element, make());
  if (mark)
    element.querySelector(`[data-key="${CSS.escape(mark)}"]`)?.focus({ preventScroll: true });
  return true;
}

export function byId(id) {
  return document.getElementById(id);
}

let made = 0;

export function freshId(prefix) {
  made += 1;
  return `${prefix}-${made}`;
}
