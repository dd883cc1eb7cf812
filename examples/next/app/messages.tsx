import { read } from "../sessions";

/** The messages that wait, shown once: on whichever page is answered first. */
export async function Messages() {
  const session = await read();
  const messages = await session.takeFlashes();
  return (
    <ul id="messages">
      {messages.map(({ message, category }) => (
        <li key={message} className={category}>
          {message}
        </li>
      ))}
    </ul>
  );
}
