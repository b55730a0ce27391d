/** A file that Wrangler uploads as it is: a Data module. */
declare module "*.bin" {
  const content: ArrayBuffer;
  export default content;
}
