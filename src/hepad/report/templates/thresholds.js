// One threshold for the histogram, the ROC curves and the table: by slider, by arrow keys, or by dragging the histogram.
const panel = document.getElementById("thresholds");
if (panel) {
  const view = JSON.parse(panel.dataset.view);
  const [left, top, right, bottom] = view.box;
  const slider = panel.querySelector("#threshold");
  const reference = panel.querySelector("#reference");
  const log = panel.querySelector("#roc-log");
  const scores = panel.querySelector("svg.scores");
  const boxes = [...panel.querySelectorAll(".roc-of")];
  const rows = [...panel.querySelectorAll("table.accepted tbody tr")];
  const count = (n) => Math.round(n).toLocaleString("en").replaceAll(",", "\u202f");
  const percent = (share) => `${Number((100 * share).toPrecision(3))}%`;
  const few = (sample, i) => sample.selected[i] < view.fewest;

  // Points are those of a cut on the score, so a mark lies on its curve.
  function markRoc(roc, i) {
    const logarithmic = log.checked;
    boxes.forEach((box, k) => {
      box.hidden = k !== 2 * view.rocs.indexOf(roc) + (logarithmic ? 0 : 1);
    });
    const box = boxes.find((each) => !each.hidden);
    const rate = view.samples[roc.reference].accepted[i];
    const low = Math.min(roc.low, 0.1);
    const along = logarithmic ? 1 - Math.log10(Math.max(rate, low)) / Math.log10(low) : rate;
    const x = left + along * (right - left);
    box.querySelector(".threshold").setAttribute("d", `M${x} ${top}V${bottom}`);
    box.querySelectorAll(".mark").forEach((mark, k) => {
      mark.setAttribute("cx", x);
      mark.setAttribute("cy", bottom - view.samples[roc.signals[k]].accepted[i] * (bottom - top - 6));
    });
  }

  function show() {
    const i = Number(slider.value);
    const roc = view.rocs[reference ? Number(reference.value) : 0];
    scores.querySelector(".threshold").setAttribute("d", `M${view.x[i]} ${top}V${bottom}`);
    const area = scores.querySelector(".accepted");
    area.setAttribute("x", view.x[i]);
    area.setAttribute("width", right - view.x[i]);
    rows.forEach((row, k) => {
      const sample = view.samples[k];
      const [, selected, share, role] = row.cells;
      const isReference = roc && roc.reference === k;
      selected.textContent = `${count(sample.selected[i])} of ${count(sample.entries)}`;
      share.textContent = percent(sample.accepted[i]);
      role.textContent = isReference ? "FPR" : roc && roc.signals.includes(k) ? "TPR" : "";
      if (isReference && few(sample, i)) role.textContent += " (fewer than ten beyond the cut)";
    });
    let says = `Score ≥ ${view.text[i]}`;
    if (roc) {
      const sample = view.samples[roc.reference];
      says += `: false-positive rate ${percent(sample.accepted[i])} of ${sample.name}`;
      if (few(sample, i)) says += ", fewer than ten entries beyond the cut";
      markRoc(roc, i);
    }
    panel.querySelector("#threshold-says").textContent = `${says}.`;
    slider.setAttribute("aria-valuetext", says);
  }

  function drag(event) {
    if (event.buttons !== 1) return;
    const box = scores.getBoundingClientRect();
    const place = ((event.clientX - box.left) / box.width) * scores.viewBox.baseVal.width;
    const distances = view.x.map((x) => Math.abs(x - place));
    slider.value = distances.indexOf(Math.min(...distances));
    show();
  }

  panel.querySelector(".controls").hidden = false;
  for (const control of [slider, reference, log]) control?.addEventListener("input", show);
  scores.addEventListener("pointerdown", drag);
  scores.addEventListener("pointermove", drag);
  show();
}
