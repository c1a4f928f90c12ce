// The whole graph as a picture, laid out by the server; a rule is a link to its line. Texts are interpolated.
export default {
  props: { picture: Object, label: String },
  methods: {
    head(arrow) { return `M${arrow.x} ${arrow.y}l${arrow.back ? 7 : -7} -3.5v7z`; },
  },
  template: `
    <div class="whole-picture" tabindex="0" role="group" :aria-label="label">
      <svg class="whole" :width="picture.width" :height="picture.height" :viewBox="'0 0 ' + picture.width + ' ' + picture.height">
        <g v-for="(each, index) in picture.arrows" :key="'a' + index" :class="each.verb"><title>{{ each.title }}</title>
          <path :d="each.path"/><path class="head" :d="head(each)"/></g>
        <component v-for="(each, index) in picture.boxes" :key="'b' + index" :is="each.href ? 'a' : 'g'" :href="each.href" :class="[each.kind, each.tone]">
          <title>{{ each.title }}</title>
          <rect :x="each.x" :y="each.y" :width="each.width" :height="each.height" :rx="each.kind === 'rule' ? 6 : each.height / 2"/>
          <text v-if="each.kind === 'event'" :x="each.x + 12" :y="each.y + each.height / 2">{{ each.name }}</text>
          <template v-else>
            <rect class="mark" :x="each.x + 1" :y="each.y + 6" width="4" :height="each.height - 12" :style="{ fill: 'hsl(' + each.hue + ' 50% 55%)' }"/>
            <text :x="each.x + 12" :y="each.y + each.height / 2 - 8">{{ each.name }}</text>
            <text class="rid" :x="each.x + 12" :y="each.y + each.height / 2 + 8">{{ each.under }}</text>
          </template>
        </component>
        <template v-for="(each, index) in picture.arrows" :key="'l' + index">
          <text v-if="each.label" class="count" :x="each.x + (each.back ? 12 : -12)" :y="each.y + each.beside" :text-anchor="each.back ? 'start' : 'end'">{{ each.label }}</text>
        </template>
      </svg>
    </div>`,
};
