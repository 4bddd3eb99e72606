"use strict";
const pages = JSON.parse(document.getElementById("index").textContent);
const box = document.getElementById("q"), hits = document.getElementById("hits"), found = document.getElementById("found");
box.addEventListener("input", () => {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  const hit = words.length ? pages.filter((page) => words.every((word) => page.text.includes(word))).slice(0, 20) : [];
  hits.replaceChildren(...hit.map((page) => {
    const item = document.createElement("li"), link = document.createElement("a");
    link.href = page.href;
    link.textContent = page.name;
    item.append(link);
    return item;
  }));
  found.textContent = words.length ? (hit.length ? `${hit.length} found` : "Nothing found") : "";
});
