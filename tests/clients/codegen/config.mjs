// graphql-codegen's configuration, as a store's front end would have it. The schema comes from the running gateway.

const { STOREFRONT_API_URL, STOREFRONT_API_KEY } = process.env

export default {
  schema: [
    {
      [STOREFRONT_API_URL]: {
        headers: { Authorization: `Bearer ${STOREFRONT_API_KEY}` },
        // Asks which inputs take exactly one of their fields; without it TypeScript lets both through.
        oneOf: true
      }
    }
  ],
  documents: 'codegen/operations.graphql',
  importExtension: '.js',
  generates: {
    'codegen/generated/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        documentMode: 'string',
        useTypeImports: true,
        // A scalar that is not named here fails the generation.
        strictScalars: true,
        scalars: { CurrencyCode: 'string', Date: 'string', DateTime: 'string', Decimal: 'string', ID: 'string', JSON: 'unknown', Upload: 'File' }
      }
    }
  }
}
