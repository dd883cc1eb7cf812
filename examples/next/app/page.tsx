import { addNote, click, logInAndFail } from "../actions";
import { read } from "../sessions";
import { Messages } from "./messages";

export default async function Home() {
  const session = await read();
  return (
    <>
      <Messages />
      <p id="clicks">{session.get("clicks") ?? 0}</p>
      <form action={click}>
        <button>Click</button>
      </form>
      <ul id="notes">
        {session.get("notes")?.map((note) => (
          <li key={note}>{note}</li>
        ))}
      </ul>
      <form action={addNote}>
        <input name="note" aria-label="Note" />
        <select name="end" aria-label="End">
          <option>well</option>
          <option>not found</option>
          <option>error</option>
        </select>
        <button>Add</button>
      </form>
      <form action={logInAndFail}>
        <button>Log in and fail</button>
      </form>
    </>
  );
}
