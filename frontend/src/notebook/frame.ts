// The whole app in a frame of a notebook's page: there is no server, so what would go to one goes to the page around it,
// which hands it to the notebook's Python (see src/tamis/web/notebook.py).
import { mount } from "svelte";
import App from "../App.svelte";
import "../theme.css";
import { bridge } from "./bridge";

bridge();
mount(App, { target: document.getElementById("app")! });
