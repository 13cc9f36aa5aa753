// Read only by relay-compiler: an object that is refetched by its global id.

import { graphql } from 'relay-runtime'

graphql`
  fragment Item_item on StorageItem @refetchable(queryName: "ItemAgainQuery") {
    name
    folder
    kind
    byteSize
    url
    urlExpiresAt
    owner {
      id
      isAnonymous
    }
  }
`
