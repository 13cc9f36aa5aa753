// Read only by relay-compiler: the same id as a member's and as an actor's.

import { graphql } from 'relay-runtime'

graphql`
  query ErasuresOwnerQuery {
    viewer {
      owner {
        id
        name
        email
      }
    }
  }
`

graphql`
  query ErasuresRequesterQuery($by: CustomerBy!) {
    customer(by: $by) {
      id
      anonymizationInfo {
        requester {
          kind
          id
          name
        }
      }
    }
  }
`
