// Shapes of the contract with the hub, as JSDoc types. Nothing here runs.

/**
 * @typedef {'scheduled'|'open'|'paused'|'suspended'|'ended'|'stopped'} Status
 * @typedef {'none'|'not_met'|'met'} Reserve
 * @typedef {'sold'|'unsold'|'bought_now'} Outcome
 *
 * @typedef {object} You What the hub tells a bidder, and nobody else, about themselves in one auction.
 * @property {string|null} alias
 * @property {boolean} leading
 * @property {number|null} [max]
 * @property {number|null} [allowance]
 *
 * @typedef {object} LiveState The public state of an auction.
 * @property {Status} status
 * @property {string} currency
 * @property {number|null} price
 * @property {number} minimum_bid
 * @property {string|null} leader
 * @property {number} bid_count
 * @property {string|null} starts_at
 * @property {string} ends_at
 * @property {Reserve} reserve
 * @property {number|null} buy_now
 * @property {Outcome|null} outcome
 * @property {string} [server_time]
 * @property {string|null} [reason]
 * @property {string|null} [winner]
 * @property {You|null} you
 *
 * @typedef {object} RoomEvent One journaled fact. Which fields are there depends on its kind.
 * @property {number} seq
 * @property {string} at
 * @property {string} kind
 * @property {string} [bidder]
 * @property {number} [amount]
 * @property {number|null} [price]
 * @property {number} [minimum_bid]
 * @property {string|null} [leader]
 * @property {number} [bid_count]
 * @property {string} [ends_at]
 * @property {Status} [status]
 * @property {Reserve} [reserve]
 * @property {number|null} [buy_now]
 * @property {string|null} [reason]
 * @property {Outcome} [outcome]
 * @property {string|null} [winner]
 *
 * @typedef {object} HistoryRow
 * @property {number} seq
 * @property {string} at
 * @property {string} bidder
 * @property {number} amount
 * @property {number} price
 *
 * @typedef {object} Step A band of the increment table: from this price on, bids rise by this step.
 * @property {number} from
 * @property {number} step
 *
 * @typedef {object} Auction
 * @property {string} id
 * @property {string} title
 * @property {string} [description]
 * @property {string} [category]
 * @property {string} currency
 * @property {number} opening_price
 * @property {Step[]} [increments]
 * @property {string|null} [image_url]
 * @property {string|null} [starts_at]
 * @property {string} ends_at
 * @property {string|{id: string}} [seller]
 * @property {Status} [status]
 * @property {number|null} [price]
 * @property {number} [bid_count]
 * @property {Outcome|null} [outcome]
 * @property {LiveState} [state]
 * @property {{window_s: number, extension_s: number, max_total_s?: number}|null} [soft_close]
 * @property {'required'|'none'} [funds]
 *
 * @typedef {object} Image A picture as the hub keeps it.
 * @property {string} id
 * @property {string} url its address, for the `image_url` of an auction
 * @property {string} thumbnail_url
 *
 * @typedef {object} User
 * @property {string} id
 * @property {string} display_name
 * @property {string[]} roles
 * @property {string} [email]
 * @property {boolean} [email_confirmed]
 *
 * @typedef {'straight'|'max'|'buy_now'} BidKind
 *
 * @typedef {object} Message A frame from the hub: its type, and fields that depend on it.
 * @property {string} type
 * @property {number} [reply_to]
 * @property {string} [auction]
 * @property {number} [seq]
 * @property {string} [log]
 * @property {boolean} [resumed]
 * @property {LiveState} [state]
 * @property {RoomEvent[]} [events]
 * @property {number} [count]
 * @property {string} [key]
 * @property {boolean} [leading]
 * @property {number} [price]
 * @property {number} [minimum_bid]
 * @property {number|null} [your_max]
 * @property {string} [code]
 * @property {string} [message]
 * @property {boolean} [retry]
 * @property {string} [server_time]
 * @property {number} [sent_at]
 * @property {number} [reconnect_after_ms]
 */

export {};
