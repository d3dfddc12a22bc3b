"""Medians, ratios, tables and limits."""
import statistics


def parse_limits(text):
    """'small=0.90,idle=4600B,jwt-new=25us' as {'small': (0.90, ''), 'idle': (4600.0, 'B'), 'jwt-new': (25.0, 'us')}.

    '': a ratio; B: an absolute figure; us: a difference to what is measured beside."""
    limits = {}
    for item in filter(None, text.split(',')):
        name, separator, limit = item.partition('=')
        try:
            unit = next((unit for unit in ('B', 'us') if limit.endswith(unit)), '')
            limits[name] = (float(limit.removesuffix(unit)), unit)
        except ValueError:
            raise ValueError(f'--require: {item} is not NAME=LIMIT') from None
    return limits


def summarise(results, subject, reference):
    """Adds median, range and the ratios to `reference` and to the best peer (the best but for the subject).

    Where each round measured something beside, the ratio is to that of the same proxy, not to the reference."""
    for row in results.values():
        figures = [measured['figure'] for measured in row['rounds']]
        if figures:
            row.update(median=statistics.median(figures), lowest=min(figures), highest=max(figures))
    peers = [row for name, row in results.items() if name != subject and 'median' in row]
    best_peer = min(peers, key=lambda row: row['median'], default=None)
    for row in results.values():
        if 'median' in row:
            row['ratio_to_own'] = ratio_to_own(row)
            row['more_than_own'] = more_than_own(row)
            row['ratio_to_reference'] = row['ratio_to_own'] or paired_ratio(row, results.get(reference))
            row['ratio_to_best_peer'] = paired_ratio(row, best_peer)
    return results


def ratio_to_own(row):
    ratios = [measured['figure'] / measured['beside'] for measured in row['rounds'] if measured.get('beside')]
    return statistics.median(ratios) if ratios else None


def more_than_own(row):
    differences = [measured['figure'] - measured['beside'] for measured in row['rounds'] if measured.get('beside')]
    return statistics.median(differences) if differences else None


def paired_ratio(row, other):
    """The median of the ratios within each round: the machine's speed drifts, but little within a round."""
    others = {measured['round']: measured['figure'] for measured in other['rounds']} if other else {}
    ratios = [measured['figure'] / others[measured['round']] for measured in row['rounds']
              if others.get(measured['round'], 0) > 0]
    return statistics.median(ratios) if ratios else None


def print_table(scenario, unit, results, reference):
    is_memory = 'bytes' in unit
    digits = 0 if is_memory else 2
    print(f'\n{scenario}: {unit}')
    particulars = (f'{"empty KiB":>12}' if is_memory else
                   f'{"per second":>12}{"core used":>11}{"p50 us":>9}{"p99 us":>9}')
    print(f'  {"proxy":10}{"median":>10}{"min..max":>18}{"of " + reference:>10}{"of best peer":>14}'
          f'{particulars}  rounds')
    for name, row in sorted(results.items(), key=lambda item: item[1].get('median', float('inf'))):
        if 'median' in row:
            spread = f'{row["lowest"]:,.{digits}f}..{row["highest"]:,.{digits}f}'
            line = (f'  {name:10}{row["median"]:>10,.{digits}f}{spread:>18}'
                    f'{ratio(row["ratio_to_reference"]):>10}{ratio(row["ratio_to_best_peer"]):>14}')
            if is_memory:
                line += f'{middle(row, "empty_bytes") / 1024:>12,.0f}'
            else:
                line += (f'{middle(row, "rate"):>12,.0f}{middle(row, "utilisation"):>10.0%} '
                         f'{middle(row, "p50_us"):>9,.0f}{middle(row, "p99_us"):>9,.0f}')
            print(f'{line}{len(row["rounds"]):>8}')
        for error in dict.fromkeys(row['errors']):
            print(f'  {name:10}ERROR ({row["errors"].count(error)}x): {error}')
    print(end='', flush=True)


def middle(row, key):
    return statistics.median(measured[key] for measured in row['rounds'])


def ratio(value):
    return '-' if value is None else f'{value:.2f}'


def print_limits(limits, results, subject, reference):
    """True when every limit was measured without an error and is kept."""
    is_within = True
    if limits:
        print(f'\nlimits for {subject}')
    for name, (limit, unit) in limits.items():
        row = results.get(name, {}).get(subject, {})
        value = row.get({'': 'ratio_to_reference', 'B': 'median', 'us': 'more_than_own'}[unit])
        verdict = 'not measured' if value is None or row['errors'] else 'ok' if value <= limit else 'EXCEEDED'
        is_within = is_within and verdict == 'ok'
        shown = '-' if value is None else {'': f'{value:.3f}', 'B': f'{value:,.0f}', 'us': f'{value:.1f}'}[unit]
        than = 'its own' if row.get('ratio_to_own') else reference
        allowed = {'': f'{limit:.2f} of {than}', 'B': f'{limit:,.0f} bytes', 'us': f'{limit:g} us more'}[unit]
        print(f'  {name:14}{shown:>10}  at most {allowed:20}{verdict}')
    return is_within
