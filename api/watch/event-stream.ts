/** A server-sent event (HTML Living Standard, 9.2). */
export type StreamEvent = Readonly<{ type: string; data: string; id: string | undefined }>;

/** Reads the events of a stream until it ends. Throws what the connection throws. */
export async function* readEvents(response: Response): AsyncGenerator<StreamEvent, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const part of response.body ?? []) {
    rest += decoder.decode(part, { stream: true });
    const blocks = rest.split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) yield eventOf(block);
  }
}

function eventOf(block: string): StreamEvent {
  let [type, data, id] = ["begin", "", undefined as string | undefined];
  for (const line of block.split("\n")) {
    const at = line.indexOf(": ");
    const value = line.slice(at + 2);
    if (line.startsWith("event: ")) type = value;
    else if (line.startsWith("data: ")) data += value;
    else if (line.startsWith("id: ")) id = value;
  }
  return { type, data, id };
}
