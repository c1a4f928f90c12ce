ruleset counter {
  meta {
    shares steps, fib, pipeline, items
  }

  global {
    steps = function() { ent:count.defaultsTo(0) }

    fib = function(n) { n < 2 => n | fib(n - 1) + fib(n - 2) }

    pipeline = function(n) {
      1.range(n)
        .map(function(x){ x * 2 })
        .filter(function(x){ x % 3 == 0 })
        .reduce(function(a, b){ a + b }, 0)
    }

    items = function(n) { 1.range(n).map(function(x){ <<item #{x}: #{x * x}>> }).join(", ") }
  }

  rule step {
    select when counter step
    pre { next = steps() + 1 }
    send_directive("counted", {"count": next})
    always { ent:count := next }
  }

  rule plan {
    select when counter plan
    always {
      schedule counter event "step" at event:attrs{"at"} attributes {"number": event:attrs{"number"}}
    }
  }

  rule plan_many {
    select when counter plan_many
    foreach 1.range(event:attrs{"number"}) setting(number)
    always {
      schedule counter event "step" at event:attrs{"at"} attributes {"number": number}
    }
  }

  rule tick {
    select when counter tick_every
    always {
      schedule counter event "step" repeat event:attrs{"timespec"}
    }
  }
}
