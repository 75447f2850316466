// The strip above the figures: status, progress, and a few labelled numbers.

export class Strip {
  constructor(root) {
    this.status = root.querySelector(".status");
    this.setting = root.querySelector(".setting");
    this.progress = root.querySelector("progress");
    this.values = root.querySelector(".values");
  }

  draw({ status, setting, progress, values }) {
    setText(this.status, status);
    setText(this.setting, setting);
    this.progress.value = progress;
    values.forEach(([label, value, note], i) => {
      const cell = this.values.children[i] ?? this.values.appendChild(newCell());
      setText(cell.children[0], label);
      setText(cell.children[1], value);
      setText(cell.children[2], note);
    });
  }
}

function newCell() {
  const cell = document.createElement("div");
  cell.append(document.createElement("dt"), document.createElement("dd"), document.createElement("dd"));
  return cell;
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
