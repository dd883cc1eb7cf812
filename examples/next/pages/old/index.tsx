import type { InferGetServerSidePropsType } from "next";
import { sessions, withSessions } from "../../pages-router";

export const getServerSideProps = withSessions(async ({ req, query }) => {
  const session = await sessions.of(req);
  if (query.note !== undefined) session.set("name", String(query.note));
  if (query.end === "error") throw new Error("The note is not kept.");
  if (query.end === "redirect") return { redirect: { destination: "/old", permanent: false } };
  const messages = (await session.takeFlashes()).map(({ message }) => message);
  return { props: { subject: session.subject ?? "stranger", name: session.get("name") ?? "", messages } };
});

export default function Old({
  subject,
  name,
  messages,
}: InferGetServerSidePropsType<typeof getServerSideProps>) {
  return (
    <>
      {messages.map((message) => (
        <p key={message}>{message}</p>
      ))}
      <h1>Hello, {subject}!</h1>
      <p>Name: {name}</p>
    </>
  );
}
