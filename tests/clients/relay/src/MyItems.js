// Read only by relay-compiler: backward pages of a connection whose parent has no id of its own, and an upload.

import { graphql } from 'relay-runtime'

graphql`
  query MyItemsQuery {
    viewer {
      storefrontUser {
        ...MyItems_user
      }
    }
  }
`

graphql`
  fragment MyItems_user on StorefrontUser
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" })
  @refetchable(queryName: "MyItemsPageQuery") {
    privateStorage {
      itemCount
      items(last: $count, before: $cursor) @connection(key: "MyItems_items") {
        edges {
          node {
            id
            ...Item_item
          }
        }
      }
    }
  }
`

graphql`
  mutation MyItemsUploadMutation($input: StorageItemUploadInput!, $connections: [ID!]!) {
    storageItemUpload(input: $input) {
      storageItem @appendNode(connections: $connections, edgeTypeName: "StorageItemEdge") {
        id
        ...Item_item
      }
      userErrors {
        code
        message
      }
    }
  }
`

graphql`
  mutation MyItemsDeleteMutation($input: StorageItemDeleteInput!, $connections: [ID!]!) {
    storageItemDelete(input: $input) {
      deletedStorageItemId @deleteEdge(connections: $connections)
      userErrors {
        code
      }
    }
  }
`
