import {Viewer} from 'viewer';

const data = JSON.parse(document.getElementById('episode').textContent);
const packed = Uint8Array.from(atob(data.spikes), c => c.charCodeAt(0));
const frames = data.rewards.length, neurons = data.neurons;
const spiked = (t, n) => {
  const bit = t * neurons + n;
  return packed[bit >> 3] >> (7 - (bit & 7)) & 1;
};
const sums = [];
data.rewards.reduce((sum, reward) => sums[sums.length] = sum + reward, 0);

let viewer = null;
try {
  viewer = new Viewer(document.getElementById('brax-viewer'), data.system);
  viewer.camera.position.set(1.5, -4.5, 1.5);
  viewer.camera.followDistance = 5;
} catch (error) {
  const note = document.createElement('p');
  note.textContent = 'This browser does not offer WebGL, which the view of the bodies needs.';
  document.getElementById('stage').append(note);
}

/** Copies a drawing of the whole episode to a canvas: bright up to now, faint after it, with a line at now. */
class Plot {
  constructor(figure, draw) {
    this.canvas = document.querySelector(`#${figure} canvas`);
    this.draw = draw;
    this.whole = document.createElement('canvas');
    new ResizeObserver(() => this.resize()).observe(this.canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.resize());
    this.canvas.addEventListener('pointerdown', event => this.seek(event));
    this.canvas.addEventListener('pointermove', event => event.buttons && this.seek(event));
  }

  resize() {
    const scale = devicePixelRatio;
    for (const canvas of [this.canvas, this.whole]) {
      canvas.width = Math.max(1, Math.round(this.canvas.clientWidth * scale));
      canvas.height = Math.max(1, Math.round(this.canvas.clientHeight * scale));
    }
    const style = getComputedStyle(document.body);
    this.ink = style.color;
    this.draw(this.whole.getContext('2d'), this.whole.width, this.whole.height, this.ink);
    this.shown = -1;
  }

  show(now) {
    const {width, height} = this.canvas, at = Math.round(now * width);
    if (at === this.shown || !this.ink) return;
    const context = this.canvas.getContext('2d');
    context.clearRect(0, 0, width, height);
    context.globalAlpha = 0.25;
    context.drawImage(this.whole, 0, 0);
    context.globalAlpha = 1;
    if (at > 0) {
      context.clearRect(0, 0, at, height);
      context.drawImage(this.whole, 0, 0, at, height, 0, 0, at, height);
    }
    context.fillStyle = '#D55E00';
    context.fillRect(Math.min(at, width - 2), 0, 2, height);
    this.shown = at;
  }

  seek(event) {
    if (!viewer) return;
    const box = this.canvas.getBoundingClientRect();
    const time = (event.clientX - box.left) / box.width * viewer.animator.duration;
    viewer.animator.seek(time);
    viewer.animator.displayProgress(time);
  }
}

/** A pixel's ink says how many of the spikes that it could hold are there. */
function drawSpikes(context, width, height) {
  const columns = Math.min(frames, width), hits = new Uint16Array(columns * neurons), of = new Uint16Array(columns);
  for (let t = 0; t < frames; t++) {
    const column = Math.floor(t * columns / frames);
    of[column]++;
    for (let n = 0; n < neurons; n++) hits[column * neurons + n] += spiked(t, n);
  }
  context.clearRect(0, 0, width, height);
  context.fillStyle = '#2F86C1';
  for (let column = 0; column < columns; column++) {
    for (let n = 0; n < neurons; n++) {
      const share = hits[column * neurons + n] / of[column];
      if (!share) continue;
      context.globalAlpha = share;
      const x = Math.floor(column * width / columns), y = Math.floor((neurons - 1 - n) * height / neurons);
      const right = Math.floor((column + 1) * width / columns);
      context.fillRect(x, y, Math.max(1, right - x), Math.max(1, Math.floor(height / neurons)));
    }
  }
}

function drawReward(context, width, height, ink) {
  const low = Math.min(0, ...sums), high = Math.max(0, ...sums), span = high - low || 1;
  const y = sum => 4 + (high - sum) / span * (height - 8);
  context.clearRect(0, 0, width, height);
  context.strokeStyle = ink;
  context.globalAlpha = 0.4;
  context.strokeRect(0, y(0), width, 0);
  context.globalAlpha = 1;
  context.strokeStyle = '#2F86C1';
  context.lineWidth = 2 * devicePixelRatio;
  context.beginPath();
  sums.forEach((sum, t) => context.lineTo(t / Math.max(1, frames - 1) * width, y(sum)));
  context.stroke();
}

const plots = [new Plot('spikes', drawSpikes), new Plot('reward', drawReward)];
const clock = document.getElementById('clock');

function tick() {
  const duration = viewer ? viewer.animator.duration : 0, time = viewer ? viewer.animator.time : 0;
  const now = duration ? Math.min(1, time / duration) : 1;
  const t = Math.round(now * (frames - 1));
  clock.textContent = `${(t * data.dt).toFixed(2)} s, reward so far ${sums[t].toFixed(1)}`;
  for (const plot of plots) plot.show(now);
  requestAnimationFrame(tick);
}
tick();
window.viewer = viewer;
