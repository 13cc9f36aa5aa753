// Read only by relay-compiler: a list with further pages, and the mutation that adds to it.

import { graphql } from 'relay-runtime'

graphql`
  query StorefrontUsersQuery($by: StorefrontBy!, $filter: StorefrontUserFilter, $count: Int!) {
    storefront(by: $by) {
      id
      ...StorefrontUsers_storefront @arguments(filter: $filter, count: $count)
    }
  }
`

graphql`
  fragment StorefrontUsers_storefront on Storefront
  @argumentDefinitions(
    filter: { type: "StorefrontUserFilter" }
    count: { type: "Int", defaultValue: 25 }
    cursor: { type: "String" }
  )
  @refetchable(queryName: "StorefrontUsersPageQuery") {
    users(filter: $filter, first: $count, after: $cursor) @connection(key: "StorefrontUsers_users") {
      totalCount
      edges {
        node {
          id
          storefrontUserId
          createdAt
        }
      }
    }
  }
`

graphql`
  mutation StorefrontUsersEnsureMutation($input: StorefrontUserEnsureInput!) {
    storefrontUserEnsure(input: $input) {
      created
      storefrontUser {
        id
        storefrontUserId
      }
      userErrors {
        code
        field
      }
    }
  }
`
