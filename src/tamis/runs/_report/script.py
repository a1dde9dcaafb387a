"""The page's script: filters examples, opens what is folded, copies check sums. Nothing on the page needs it."""

SCRIPT = """
"use strict";
(function () {
  var tools = document.querySelector(".tools"), find = document.getElementById("find"), open = document.getElementById("open");
  var found = document.getElementById("found"), examples = Array.prototype.slice.call(document.querySelectorAll(".ex"));
  if (!tools) return;
  tools.hidden = false;
  find.addEventListener("input", function () {
    var wanted = find.value.trim().toLowerCase(), shown = 0;
    examples.forEach(function (one) {
      one.hidden = wanted !== "" && one.textContent.toLowerCase().indexOf(wanted) < 0;
      if (!one.hidden) shown += 1;
    });
    found.textContent = wanted ? shown + " of " + examples.length + " examples" : "";
    found.className = wanted ? "found" : "sr";
  });
  function all(state) {
    Array.prototype.forEach.call(document.querySelectorAll("details"), function (one) { one.open = state; });
  }
  open.addEventListener("click", function () {
    var state = open.textContent === "Open all";
    all(state);
    open.textContent = state ? "Close all" : "Open all";
  });
  window.addEventListener("beforeprint", function () { all(true); });
  Array.prototype.forEach.call(document.querySelectorAll("code.sha, code.id"), function (code) {
    code.addEventListener("click", function () {
      if (!navigator.clipboard) return;
      navigator.clipboard.writeText(code.title).then(function () {
        code.classList.add("copied");
        setTimeout(function () { code.classList.remove("copied"); }, 900);
      }, function () {});
    });
  });
})();
"""
