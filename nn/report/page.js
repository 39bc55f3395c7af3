"use strict";
// The stepper shows one step at a time; without JavaScript all of them stand below one another.
for (const stepper of document.querySelectorAll(".stepper")) {
  const steps = [...stepper.querySelectorAll(".step")];
  const chips = [...stepper.querySelectorAll(".chips button")];
  const [back, status, forward] = [".back", ".status", ".forward"].map((s) => stepper.querySelector(s));
  let current = 0;

  function show(step, said = true) {
    current = Math.max(0, Math.min(step, steps.length - 1));
    steps.forEach((element, i) => (element.hidden = i !== current));
    chips.forEach((chip, i) => {
      chip.classList.toggle("done", i < current);
      if (i === current) chip.setAttribute("aria-current", "step");
      else chip.removeAttribute("aria-current");
    });
    // aria-disabled rather than disabled: a button that is disabled loses the focus.
    back.setAttribute("aria-disabled", current === 0);
    forward.setAttribute("aria-disabled", current === steps.length - 1);
    if (said) status.textContent = steps[current].dataset.said;
  }

  const keys = {
    ArrowLeft: () => current - 1,
    ArrowRight: () => current + 1,
    Home: () => 0,
    End: () => steps.length - 1,
  };

  function pressed(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || !(event.key in keys)) return;
    const inside = stepper.contains(event.target);
    const { top, bottom } = stepper.getBoundingClientRect();
    const seen = top < innerHeight / 2 && bottom > innerHeight / 2;
    const arrow = event.key.startsWith("Arrow");
    // A box that scrolls keeps its arrow keys; from elsewhere only arrows reach what is in view.
    if (inside ? event.target.closest(".scroll") : !(arrow && seen && event.target === document.body)) return;
    event.preventDefault();
    show(keys[event.key]());
  }

  back.addEventListener("click", () => show(current - 1));
  forward.addEventListener("click", () => show(current + 1));
  chips.forEach((chip, i) => chip.addEventListener("click", () => show(i)));
  document.addEventListener("keydown", pressed);
  stepper.classList.add("live");
  show(0);
}

// A box that scrolls can be reached with the keyboard, and says what it is: a group, since each
// region would be a landmark. What is folded can be reached anyway, by its summary.
function reachable() {
  for (const box of document.querySelectorAll(".scroll:not(summary)")) {
    const said = { tabindex: 0, role: "group", "aria-label": "wide content, scrolls sideways" };
    for (const [name, value] of Object.entries(said)) {
      if (box.scrollWidth > box.clientWidth) box.setAttribute(name, value);
      else box.removeAttribute(name);
    }
  }
}
reachable();
document.fonts.ready.then(reachable);
addEventListener("resize", reachable);
document.addEventListener("toggle", reachable, true);

// Words to find: what has them all stays, and what it is folded into is opened.
const find = document.getElementById("find");
find?.parentElement.removeAttribute("hidden");
find?.addEventListener("input", () => {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const box of document.querySelectorAll("#misprints details")) {
    let found = 0;
    for (const card of box.querySelectorAll(".card")) {
      const formulas = [...card.querySelectorAll("math")].map((m) => m.getAttribute("alttext"));
      const text = [card.textContent, ...formulas].join(" ").toLowerCase();
      card.hidden = !words.every((word) => text.includes(word));
      found += !card.hidden;
    }
    box.hidden = !found;
    box.open = found > 0 && words.length > 0;
  }
});

// A link to a formula opens what it is folded into.
function unfold() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let box = target; box; box = box.parentElement) if (box.tagName === "DETAILS") box.open = true;
  target?.scrollIntoView();
}
addEventListener("hashchange", unfold);
if (location.hash) unfold();
