/**
 * Loads the OpenAPI document as Scalar needs it. Scalar sends each parameter that has an example, so a list would be filtered before the
 * reader has chosen anything. Here optional parameters are switched off; their examples stay.
 */
export async function fetchDocument(url) {
  const response = await fetch(url);
  const document = await response.json();
  for (const operations of Object.values(document.paths))
    for (const { parameters = [] } of Object.values(operations))
      for (const parameter of parameters)
        if (!parameter.required) switchOff(parameter, document.components.schemas);
  return Response.json(document);
}

function switchOff(parameter, schemas) {
  const schema = schemas[parameter.schema.$ref?.split("/").pop()] ?? parameter.schema;
  const value = parameter.example ?? schema.examples?.[0];
  if (value === undefined) return;
  delete parameter.example;
  parameter.examples = { example: { value, "x-disabled": true } };
}
