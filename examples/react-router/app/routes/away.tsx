import { redirect } from "react-router";

export function loader() {
  return redirect("/", 303);
}

export default function Away() {
  return null;
}
