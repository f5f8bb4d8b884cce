// Sets the chosen theme before anything is painted. Not a module, so that it runs at once.
try {
  const theme = localStorage.getItem("simulator.theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch {
  // Storage is forbidden: the system's theme it is.
}
