export function Messages({ messages }: { messages: readonly { message: string; category: string }[] }) {
  return messages.map(({ message, category }) => (
    <p key={message} className={category}>
      {message}
    </p>
  ));
}
