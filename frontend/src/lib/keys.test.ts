// @vitest-environment jsdom
import { beforeEach, describe, expect, it, vi } from "vitest";
import { bind, hear, letters, listed, nameOf, sign } from "./keys.svelte";

const press = (key: string, more: Partial<KeyboardEvent> & { on?: Element } = {}): KeyboardEvent => {
  const { on = document.body, ...init } = more;
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...(init as KeyboardEventInit) });
  on.addEventListener("keydown", (e) => hear(e as KeyboardEvent), { once: true });
  on.dispatchEvent(event);
  return event;
};

describe("keys", () => {
  beforeEach(() => {
    letters.on = true;
    document.body.innerHTML = "";
  });

  it("keys that are bound again stay below what was opened over them", () => {
    const row = vi.fn();
    const panel = vi.fn();
    const free = bind("row", [{ keys: "1", about: "", run: row }]);
    const close = bind("panel", [{ keys: "1", about: "", run: panel }], { alone: true });
    free();
    const again = bind("row", [{ keys: "1", about: "", run: row }]);
    press("1");
    expect(panel).toHaveBeenCalledOnce();
    expect(row).not.toHaveBeenCalled();
    close();
    press("1");
    expect(row).toHaveBeenCalledOnce();
    again();
  });

  it("go to who bound them last", () => {
    const [below, above] = [vi.fn(), vi.fn()];
    const free = bind("below", [{ keys: "a", about: "", run: below }]);
    const gone = bind("above", [{ keys: "a", about: "", run: above }]);
    press("a");
    gone();
    press("a");
    free();
    press("a");
    expect([below.mock.calls.length, above.mock.calls.length]).toEqual([1, 1]);
  });

  it("rest below a layer that is alone", () => {
    const run = vi.fn();
    const free = [bind("below", [{ keys: "a", about: "", run }]), bind("dialog", [], { alone: true })];
    press("a");
    expect(run).not.toHaveBeenCalled();
    free.forEach((one) => one());
  });

  it("leave those who write in peace, save where said", () => {
    const [letter, save] = [vi.fn(), vi.fn()];
    const free = bind("x", [{ keys: "a", about: "", run: letter }, { keys: "ctrl+Enter", about: "", run: save, inFields: true }]);
    const field = document.body.appendChild(document.createElement("textarea"));
    press("a", { on: field });
    press("Enter", { on: field, ctrlKey: true });
    expect([letter.mock.calls.length, save.mock.calls.length]).toEqual([0, 1]);
    free();
  });

  it("leave Enter to the button that has the focus", () => {
    const run = vi.fn();
    const free = bind("x", [{ keys: "Enter", about: "", run }]);
    press("Enter", { on: document.body.appendChild(document.createElement("button")) });
    expect(run).not.toHaveBeenCalled();
    free();
  });

  it("decide once while held down", () => {
    const run = vi.fn();
    const free = bind("x", [{ keys: "a", about: "", run }]);
    press("a");
    press("a", { repeat: true });
    expect(run).toHaveBeenCalledTimes(1);
    free();
  });

  it("can be switched off where they are letters, but for the list of keys", () => {
    const [letter, help, arrow] = [vi.fn(), vi.fn(), vi.fn()];
    const free = bind("x", [{ keys: "a", about: "", run: letter }, { keys: "?", about: "", run: help }, { keys: "ArrowDown", about: "", run: arrow }]);
    letters.on = false;
    press("a");
    press("?");
    press("ArrowDown");
    expect([letter, help, arrow].map((one) => one.mock.calls.length)).toEqual([0, 1, 1]);
    free();
  });

  it("are found on keyboards with other letters", () => {
    const event = { key: "ф", code: "KeyA", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };
    expect(nameOf(event)).toBe("a");
    expect(nameOf({ ...event, shiftKey: true })).toBe("A");
    expect(nameOf({ ...event, key: "¡", code: "Digit1", altKey: true })).toBe("alt+1");
    expect(nameOf({ ...event, key: "Enter", code: "Enter", metaKey: true })).toBe("ctrl+Enter");
  });

  it("are listed, the nearest first, the quiet ones not", () => {
    const free = [bind("far", [{ keys: "a", about: "A", run: () => {} }]), bind("near", [{ keys: "b", about: "B", run: () => {}, quiet: true }])];
    expect(listed()).toEqual([{ title: "near", bound: [] }, { title: "far", bound: [expect.objectContaining({ keys: "a" })] }]);
    free.forEach((one) => one());
  });

  it("are written as they are known", () => {
    expect([sign("ctrl+Enter"), sign("ArrowLeft"), sign("a")]).toEqual(["Ctrl ↵", "←", "a"]);
  });
});
