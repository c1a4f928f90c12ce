ruleset a41x15 {
  meta { name "Calls a service" }
  rule post {
    select when service wanted
    http:post("http://service.example/in") with params = {"a": "1"} and autoraise = "label";
  }
  rule answered {
    select when http post label "label" status_code "200"
    pre { body = event:param("content").decode(); }
    send_directive("answered") with method = body.pick("$.method") and sent = body.pick("$.body");
  }
  rule get {
    select when service read
    pre { r = http:get("http://service.example/out", {"q": "tea"}); }
    send_directive("read") with query = r.pick("$.content").decode().pick("$.query");
  }
}
