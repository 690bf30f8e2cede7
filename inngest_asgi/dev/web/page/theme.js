// Sets light or dark before anything is painted. A classic script: modules run too late for that.

(() => {
  const chosen = localStorage.getItem("inngest-asgi.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
