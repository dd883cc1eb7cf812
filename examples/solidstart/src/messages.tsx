import { For } from "solid-js";

export function Messages(props: { messages?: readonly { message: string; category: string }[] }) {
  return <For each={props.messages}>{({ message, category }) => <p class={category}>{message}</p>}</For>;
}
