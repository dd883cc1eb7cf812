import { read } from "../sessions";

/** The waiting messages. Shown once, on the first page that is rendered. */
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
