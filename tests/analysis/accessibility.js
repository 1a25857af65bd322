// What is wrong with this page for those who read it with a keyboard, a screen reader or poor
// eyes: a list of sentences, empty for a good page.
const problems = [];
const all = (selector) => [...document.querySelectorAll(selector)];
const name = (element) => element.outerHTML.slice(0, 90);
const text = (element) => (element.getAttribute("aria-label") || element.textContent).trim();

if (!document.documentElement.lang) problems.push("the page has no language");
if (!document.title.trim()) problems.push("the page has no title");
if (all("main").length !== 1) problems.push(`${all("main").length} main landmarks`);
if (all("h1").length !== 1) problems.push(`${all("h1").length} first headings`);

let level = 0;
for (const heading of all("h1, h2, h3, h4, h5, h6")) {
  const own = Number(heading.tagName[1]);
  if (own > level + 1) problems.push(`heading leaves out a level: ${name(heading)}`);
  if (!heading.textContent.trim()) problems.push(`empty heading: ${name(heading)}`);
  level = own;
}

const ids = all("[id]").map((element) => element.id);
for (const id of new Set(ids)) {
  if (ids.filter((other) => other === id).length > 1) problems.push(`id stands twice: ${id}`);
}
for (const element of all("[aria-labelledby]")) {
  const label = document.getElementById(element.getAttribute("aria-labelledby"));
  if (!label || !label.textContent.trim()) problems.push(`label is missing: ${name(element)}`);
}
for (const link of all('a[href^="#"]')) {
  if (!document.getElementById(link.getAttribute("href").slice(1))) {
    problems.push(`link leads nowhere: ${name(link)}`);
  }
}
for (const element of all("a[href], button, summary")) {
  if (!text(element)) problems.push(`no name: ${name(element)}`);
}
for (const image of all("img")) {
  if (!(image.alt || "").trim()) problems.push(`no alternative text: ${name(image)}`);
}
for (const region of all('[role="region"]')) {
  if (!text(region)) problems.push(`region without a name: ${name(region)}`);
}
const regions = all('[role="region"]').map((region) => region.getAttribute("aria-label"));
for (const label of new Set(regions)) {
  if (regions.filter((other) => other === label).length > 1) {
    problems.push(`two regions share the name ${label}`);
  }
}

for (const table of all("table")) {
  if (!table.caption) problems.push(`table without a caption: ${name(table)}`);
  for (const header of table.querySelectorAll("th")) {
    if (!header.scope) problems.push(`heading cell without a scope: ${name(header)}`);
  }
  for (const row of table.querySelectorAll("tbody tr")) {
    if (!row.querySelector("th")) problems.push(`row without a heading: ${name(row)}`);
  }
}

// What can be scrolled must be reached by keyboard.
for (const element of all("body *")) {
  const flow = getComputedStyle(element).overflowX;
  const scrolls = ["auto", "scroll"].includes(flow) && element.scrollWidth > element.clientWidth;
  if (scrolls && element.tabIndex < 0) problems.push(`scrolled by mouse only: ${name(element)}`);
}

// Contrast as WCAG 2 defines it: 4.5, or 3 for large letters.
const channels = (colour) => (colour.match(/[\d.]+/g) || []).map(Number);
const luminance = (rgb) => {
  const [r, g, b] = rgb.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const [r, g, b, alpha = 1] = channels(getComputedStyle(at).backgroundColor);
    if (alpha === 1) return [r, g, b];
  }
  return [255, 255, 255];
};
for (const element of all("body *")) {
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  if (!own || !element.getClientRects().length || element.matches("script, style")) continue;
  const style = getComputedStyle(element);
  const [front, back] = [channels(style.color).slice(0, 3), behind(element)].map(luminance);
  const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (ratio < (large ? 3 : 4.5)) problems.push(`contrast ${ratio.toFixed(2)}: ${name(element)}`);
}
return problems;
