export async function bundlers() {
  return [];
}
