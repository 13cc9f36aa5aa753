// The page of a gateway that was built without npm: GraphiQL 3, the last one that a script tag can load.
import {
  createFetcher,
  createStorage,
  defaultHeaders,
  keepsHeaders,
  loadConfig,
  openTab,
  showFailure
} from './gateway.js'

const container = document.getElementById('graphiql')
try {
  const { React, ReactDOM, GraphiQL } = globalThis
  if (!React || !ReactDOM || !GraphiQL) {
    throw new Error('cdn.jsdelivr.net did not send the expected files. Reload the page, or build with npm at hand.')
  }
  const config = await loadConfig()
  const storage = createStorage(config)
  const mark = React.createElement('img', { src: '/graphiql/favicon.svg', alt: '' })
  const logo = React.createElement('span', { className: 'gateway-name' }, mark, 'Storefront Gateway')
  const page = React.createElement(
    GraphiQL,
    {
      fetcher: createFetcher(config),
      storage,
      shouldPersistHeaders: keepsHeaders(config, storage),
      defaultTabs: config.tabs,
      ...openTab(config, storage),
      defaultHeaders: defaultHeaders(config),
      defaultEditorToolsVisibility: 'headers',
      schemaDescription: true,
      inputValueDeprecation: true
    },
    React.createElement(GraphiQL.Logo, null, logo)
  )
  ReactDOM.createRoot(container).render(page)
} catch (error) {
  showFailure(container, error)
}
