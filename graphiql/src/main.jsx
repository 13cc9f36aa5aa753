import 'graphiql/setup-workers/vite'
import 'graphiql/style.css'
import '@graphiql/plugin-explorer/style.css'
import './style.css'
import mark from './favicon.svg'
import { explorerPlugin } from '@graphiql/plugin-explorer'
import { HISTORY_PLUGIN } from '@graphiql/plugin-history'
import { useGraphiQL } from '@graphiql/react'
import { GraphiQL } from 'graphiql'
import { useEffect } from 'react'
import { createRoot } from 'react-dom/client'
import {
  createFetcher,
  createStorage,
  defaultHeaders,
  keepsHeaders,
  loadConfig,
  openTab,
  showFailure
} from './gateway.js'

// Made once: GraphiQL closes the open pane when it is handed another list.
const PLUGINS = [HISTORY_PLUGIN, explorerPlugin({ showAttribution: false })]

function Page({ config }) {
  const { open } = config
  return (
    <GraphiQL
      fetcher={config.fetcher}
      storage={config.storage}
      shouldPersistHeaders={config.keepsHeaders}
      defaultTabs={config.tabs}
      defaultHeaders={config.defaultHeaders}
      initialQuery={open.query}
      initialVariables={open.variables}
      initialHeaders={open.headers}
      defaultEditorToolsVisibility="headers"
      plugins={PLUGINS}
      schemaDescription
      inputValueDeprecation
    >
      <GraphiQL.Logo>
        <span className="gateway-name">
          <img src={mark} alt="" />
          Storefront Gateway
        </span>
      </GraphiQL.Logo>
      <WrappedLines />
    </GraphiQL>
  )
}

/** Wraps long lines in all editors: tokens, and the examples' comments, are longer than a pane is wide. */
function WrappedLines() {
  const editors = useGraphiQL(state => [
    state.queryEditor,
    state.variableEditor,
    state.headerEditor,
    state.responseEditor
  ])
  useEffect(() => {
    for (const editor of editors) editor?.updateOptions({ wordWrap: 'on' })
  }, [editors])
  return null
}

const container = document.getElementById('graphiql')
try {
  const config = await loadConfig()
  const storage = createStorage(config)
  createRoot(container).render(
    <Page
      config={{
        fetcher: createFetcher(config),
        storage,
        keepsHeaders: keepsHeaders(config, storage),
        tabs: config.tabs,
        open: openTab(config, storage),
        defaultHeaders: defaultHeaders(config)
      }}
    />
  )
} catch (error) {
  showFailure(container, error)
}
