// Lanes of marks along an axis of time. Places come as parts of the axis, 0 to 1; texts are interpolated.
const meta = document.querySelector("meta[name=server-ms]");
const ahead = meta ? Number(meta.content) - performance.timeOrigin : 0;
export default {
  props: { axis: Object, lanes: Array, chosen: String },
  emits: ["open", "more"],
  data() { return { now: Date.now() + ahead }; },
  mounted() { this.timer = setInterval(() => { if (!document.hidden) this.now = Date.now() + ahead; }, 2000); },
  unmounted() { clearInterval(this.timer); },
  computed: {
    here() { return Math.min(1, Math.max(0, (this.now - this.axis.start) / (this.axis.end - this.axis.start))); },
  },
  methods: {
    place(mark) {
      return mark.to > mark.from
        ? { left: `${100 * mark.from}%`, width: `max(10px, ${100 * (mark.to - mark.from)}%)` }
        : { left: `${100 * mark.from}%` };
    },
    open(lane, track) {
      if (track.href) location.href = track.href;
      else if (track.of > 1) this.$emit("more", { pico: lane.pico_id, rid: lane.rid });
      else this.$emit("open", track.id);
    },
  },
  template: `
    <div class="lanes">
      <div class="lanes-axis" aria-hidden="true"><div class="lanes-scale">
        <span v-for="tick in axis.ticks" :key="tick.at" :class="{ strong: tick.strong, late: tick.at > 0.85 }" :style="{ left: 100 * tick.at + '%' }">{{ tick.label }}</span>
      </div></div>
      <section v-for="lane in lanes" :key="lane.pico_id + ' ' + lane.rid" class="lane" :aria-label="lane.pico + ' ' + lane.rid">
        <h3><a :href="lane.pico_href"><pico-name :text="lane.pico"></pico-name></a> <span class="muted" aria-hidden="true">·</span> <a :href="lane.rid_href" class="mono"><pico-name :text="lane.rid_shown ?? lane.rid"></pico-name></a>
          <button v-if="lane.tracks[0]?.folds" type="button" class="button small" @click="$emit('more', { pico: lane.pico_id, rid: lane.rid })">Fold</button></h3>
        <ul>
          <li v-for="track in lane.tracks" :key="track.id" :class="['track', { chosen: track.id === chosen, paused: !!track.paused }]" @click="open(lane, track)">
            <button type="button" class="track-name" :title="track.title" :aria-label="track.label + ', ' + track.spoken" @click.stop="open(lane, track)"><span class="mono">{{ track.label }}</span><span v-if="track.paused" class="badge warn">{{ track.paused }}</span></button>
            <div class="track-marks" aria-hidden="true">
              <i v-for="tick in axis.ticks" :key="tick.at" :class="{ strong: tick.strong }" :style="{ left: 100 * tick.at + '%' }"></i>
              <i class="now" :style="{ left: 100 * here + '%' }"></i>
              <b v-for="(mark, index) in track.marks" :key="index" :class="[mark.to > mark.from ? 'bar' : 'dot', { many: mark.many }]" :style="place(mark)" :title="mark.title"><span v-if="mark.many && mark.to > mark.from">{{ mark.count }} fires</span><template v-else-if="mark.to - mark.from > 0.06">{{ mark.count }} ×</template></b>
            </div>
            <span class="track-count">{{ track.count }}{{ track.count === "–" ? "" : " ×" }}</span>
          </li>
        </ul>
      </section>
    </div>`,
};
