import { startUpload } from "../../web/upload.ts";

/** One upload a click; how many seconds it took is what `#done` says. */
const element = (id) => document.getElementById(id);

async function put(file) {
  const response = await fetch("./plain", { method: "PUT", body: file });
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
}

async function tus(file) {
  const endpoint = new URL("uploads", location.href).href;
  const upload = await startUpload(file, { endpoint, name: file.name, url: null, onUrl() {}, onProgress() {} });
  const id = await upload.done;
  await fetch(`./uploads/${id}`, { method: "DELETE", headers: { "Tus-Resumable": "1.0.0" } });
}

for (const [name, send] of Object.entries({ put, tus })) {
  element(name).onclick = async () => {
    element("done").textContent = "";
    const since = performance.now();
    await send(element("file").files[0]);
    element("done").textContent = String((performance.now() - since) / 1000);
  };
}
