// Fragments that htmx fetches again and again are left alone while they say the same, so that nobody's place, marked
// text or screen reader is disturbed.

const last = new Map(); // address to what it said

document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.requestConfig.verb !== "get" || detail.xhr.status !== 200) return;
  const address = detail.pathInfo.requestPath;
  if (last.get(address) === detail.serverResponse) detail.shouldSwap = false;
  last.set(address, detail.serverResponse);
});
