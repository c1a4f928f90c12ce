ruleset planner {
  meta {
    name "Planner"
    description <<Schedules what it is asked to, steered as it is asked to, and changes it: every member at hand.>>
    shares named, all_of, ids, next, fires, found, status, due, done, description
  }

  global {
    id_of = function(name) { event:find({"name": name})[0]{"id"}.defaultsTo(ent:ids{name}) }
    named = function(name) { event:show(id_of(name)) }
    all_of = function(name) { named(name).delete("id").delete("pico") }
    ids = function() { event:find({}).map(function(each) { each{"name"} }) }
    next = function(name, n) { event:next_times(id_of(name), n) }
    fires = function(name, n) {
      event:fires(id_of(name), n).map(function(each) { [each{"nominal"}, each{"outcome"}, each{"stands_for"}] })
    }
    found = function(filter) { event:find(filter).map(function(each) { each{"name"} }) }
    status = function(name) { event:show(ent:ids{name}){"status"} }
    due = function(name) { event:show(ent:ids{name}){"due"} }
    description = function(name) { event:show(ent:ids{name}){"description"} }
    done = function() { ent:done }
  }

  rule at {
    select when plan at
    fired {
      schedule plan event "came" at event:attrs{"when"} attributes event:attrs.delete("when") setting(id)
      ent:ids{event:attrs{"_name"}} := id
    }
  }

  rule repeat {
    select when plan repeat
    fired {
      schedule plan event "came" repeat event:attrs{"when"} attributes event:attrs.delete("when") setting(id)
      ent:ids{event:attrs{"_name"}} := id
    }
  }

  rule came {
    select when plan came
    send_directive("came", event:attrs)
  }

  rule pause {
    select when change pause
    event:pause(ent:ids{event:attrs{"name"}}, event:attrs{"until"}) setting(done)
    always { ent:done := done }
  }

  rule resume {
    select when change resume
    event:resume(ent:ids{event:attrs{"name"}}) setting(done)
    always { ent:done := done }
  }

  rule move {
    select when change move
    event:move(ent:ids{event:attrs{"name"}}, event:attrs{"to"}) setting(done)
    always { ent:done := done }
  }

  rule reschedule {
    select when change reschedule
    event:reschedule(ent:ids{event:attrs{"name"}}, event:attrs{"timespec"}, event:attrs{"tz"}) setting(done)
    always { ent:done := done }
  }

  rule fire {
    select when change fire
    event:fire_now(ent:ids{event:attrs{"name"}}) setting(done)
    always { ent:done := done }
  }

  rule delete_all {
    select when change delete_all
    event:delete_all(event:attrs{"filter"}, event:attrs{"dry"}) setting(ids)
    always { ent:done := ids.length() }
  }

  rule pause_all {
    select when change pause_all
    event:pause_all(event:attrs{"filter"}, event:attrs{"until"}, event:attrs{"dry"}) setting(ids)
    always { ent:done := ids.length() }
  }

  rule resume_all {
    select when change resume_all
    event:resume_all(event:attrs{"filter"}, event:attrs{"dry"}) setting(ids)
    always { ent:done := ids.length() }
  }

  rule all_in_one {
    select when change all_in_one
    event:delete_all({"name": "fleeting"}) setting(before)
    fired {
      schedule plan event "came" at time:add(time:now(), {"hours": 1})
        with _name = "fleeting" and _if_exists = "keep" setting(first)
      schedule plan event "came" at time:add(time:now(), {"hours": 2})
        with _name = "fleeting" and _if_exists = "replace" setting(second)
      schedule plan event "came" at time:add(time:now(), {"hours": 3})
        with _name = "fleeting" and _if_exists = "keep" setting(third)
      ent:ids{"fleeting"} := third
      ent:done := [before.length(), first == second, second == third]
    }
  }
}
