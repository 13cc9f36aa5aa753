// Only read by relay-compiler: the same id of a member and of an actor.

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
