// Counts along while photos of somebody who has just enrolled are found.
const place = document.querySelector("[data-found]");
if (place) {
  const source = new EventSource(place.dataset.found);
  source.addEventListener("found", (event) => {
    const { count } = JSON.parse(event.data);
    const words = count === 0 ? place.dataset.none : count === 1 ? place.dataset.one : place.dataset.many;
    const text = words.replace("{count}", count);
    if (place.textContent !== text) place.textContent = text;
  });
  source.addEventListener("ended", () => source.close());
  source.addEventListener("error", () => source.close());
}
